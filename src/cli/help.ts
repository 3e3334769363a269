import type { Command } from 'commander';
import { dataPaths, knownData } from '../data/names.js';
import { GRAPH_FIELDS } from '../report/graph-fields.js';
import { DEFAULT_DEAD_BELOW } from '../stats/criteria.js';
import type { Criterion } from '../stats/types.js';

/** Columns of help: every terminal has as many. */
export const helpWidth = 80;

/** Returns the option groups of a command's help, without usage and description. */
export function optionsOf(command: Command): string {
  const text = command.helpInformation();
  return text.slice(text.search(/^Data:$/m), text.search(/^Options:$/m)).trimEnd();
}

const meanings: Record<Criterion['dead'], string> = {
  frequency: 'fires at less than this share of the positions',
  silent: 'never fired',
  sum: '|Σa| is at most this',
  'mean-abs': 'mean |a| is at most this',
  dormant: "mean |a| is at most this share of the site's mean",
};

/** Help on what no single option explains: data names, criteria, rules, exit codes. */
export const topics = [
  section('Data (--data)', [...Object.entries(knownData), ['a path', `to ${dataPaths}`]]),
  section(
    'When a neuron is dead (--dead, and its limit --dead-below)',
    Object.entries(DEFAULT_DEAD_BELOW).map(([name, limit]) => [
      name,
      meanings[name as Criterion['dead']] + (limit === null ? '' : ` (default: ${limit})`),
    ]),
  ),
  section('Rules (--fail-on)', [
    ['RULE', '[AGG "("] SELECTOR "." FIELD [")"] CMP NUMBER'],
    [
      'SELECTOR',
      'a site id with `*` (5.mlp_post, *.mlp_post, decoder.*.attn_out.cross), or a site name alone: that site over the whole model',
    ],
    [
      'FIELD',
      `dead_ratio, dead, silent, never_positive, dormant, constant, saturated, non_finite, frequency_p50, …; of graphs ${Object.keys(GRAPH_FIELDS).join(', ')}`,
    ],
    ['AGG', 'max, min, mean; without it a `*` means any'],
    ['CMP', '>, >=, <, <='],
    ['e.g.', '"mlp_post.dead_ratio > 0.05"  "max(*.mlp_post.dead_ratio) > 0.1"'],
  ]),
  section('Exit codes', [
    ['0', 'passed'],
    ['1', 'a gate rule failed'],
    ['2', 'the input or the command is wrong'],
    ['3', 'the run itself failed'],
    ['130', 'interrupted; what was gathered is printed and written, not gated'],
  ]),
].join('\n\n');

function section(title: string, rows: [string, string][]): string {
  const indent = Math.max(...rows.map(([name]) => name.length)) + 4;
  const lines = rows.flatMap(([name, text]) => {
    const [first = '', ...rest] = wrap(text, helpWidth - indent);
    return [`  ${name.padEnd(indent - 2)}${first}`, ...rest.map((line) => ' '.repeat(indent) + line)];
  });
  return [`${title}:`, ...lines].join('\n');
}

/** Breaks a text at blanks into lines of at most `width` columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/ (?=\S)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
