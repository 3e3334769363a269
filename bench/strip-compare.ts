/**
 * `audit strip --by weight` against `--by contribution`: neurons revived per pruned weight, and what it does to the
 * model. Prints the Markdown table of docs/strip.md. Nothing is written: every line is a dry run.
 *
 *   npx tsc -p tsconfig.bench.json && node dist/bench/strip-compare.js models/gpt2-relu/model.onnx [--data wikitext] [--tokens N]
 */
import { parseArgs } from 'node:util';
import type { StripReport } from '../src/repair/strip/schema.js';
import { strip } from '../src/repair/strip/strip.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: 'sample' },
    tokens: { type: 'string', default: '16384' },
    fractions: { type: 'string', default: '0.05,0.1,0.3' },
    rounds: { type: 'string', default: '1,5' },
  },
});
const [model] = positionals;
if (!model) throw new Error('name a model: bench/strip-compare.ts MODEL.onnx');
const { data: source } = values;
const tokens = values.tokens === 'all' ? 'all' : Number(values.tokens);

const lines: string[] = [];
let first: StripReport | undefined;
for (const fraction of values.fractions.split(',')) {
  for (const rounds of values.rounds.split(',')) {
    for (const by of ['weight', 'contribution'] as const) {
      const how = { by, fraction: Number(fraction), rounds: Number(rounds) };
      const report = await strip({ model, data: source, tokens, to: null, ...how });
      first ??= report;
      const { dead, revived, newlyDead, weights } = report.summary;
      const after = 'reason' in report.quality ? null : report.quality.after.perplexity;
      const cells = [
        `\`${by}\``,
        fraction,
        `${report.rounds.length} of ${rounds}`,
        `${dead.before} → ${dead.after}`,
        revived,
        newlyDead,
        weights,
        weights === 0 ? '–' : (revived / weights).toPrecision(2),
        after?.toFixed(3) ?? '–',
      ];
      lines.push(`| ${cells.join(' | ')} |`);
    }
  }
}
const { data, quality } = first!;
const perplexity =
  'reason' in quality ? quality.reason : `perplexity ${quality.before.perplexity?.toFixed(3)} before`;
process.stdout.write(`${[data.name, data.split].filter(Boolean).join(' ')}, ${data.positions} tokens, ${perplexity}:

| by | fraction | rounds | dead | revived | newly dead | weights pruned | revived per weight | perplexity after |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${lines.join('\n')}
`);
