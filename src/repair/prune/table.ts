import type { TextOptions } from '../../report/colors.js';
import { counted, duration, number, percent, quantity } from '../../report/format.js';
import { type Layout, type Lines, layout, textOf } from '../../report/layout.js';
import type { Column } from '../../report/text.js';
import { indexList, modelOnData } from '../../report/words.js';
import { qualityChangeWords } from '../quality-change.js';
import type { PruneReport } from './schema.js';

const COLUMNS: Column[] = [
  { title: 'site', align: 'left', elastic: true },
  { title: 'neurons', align: 'right' },
  { title: 'now', align: 'right' },
  { title: 'removed', align: 'right' },
  { title: 'zero', align: 'right' },
  { title: 'folded', align: 'right' },
  { title: 'kept', align: 'right' },
];

/** Indices that are listed for a reason; the JSON has them all. */
const SHOWN_INDICES = 8;

/** What a pruning did, for a terminal: a line per site, why neurons stayed, summary. Ends with a newline. */
export function renderPrune(report: PruneReport, textOptions: TextOptions = {}): string {
  const { options, sites, quality, output } = report;
  const page = layout(textOptions);
  const { colors, label, table, warnings } = page;
  const rows = sites.map(({ id, neurons, zero, folded, removed, kept }) => [
    { text: id },
    { text: number(neurons.before) },
    { text: number(neurons.after), ...(removed.length > 0 && { paint: colors.green }) },
    { text: number(removed.length) },
    { text: number(zero) },
    { text: number(folded) },
    { text: number(kept.reduce((sum, { neurons: some }) => sum + some.length, 0)) },
  ]);
  const what = options.exact ? 'neurons that always had one value' : 'dead neurons, replaced by their mean';
  return textOf([
    label('model', modelOnData(report)),
    label('prune', `${what}${options.align > 1 ? ` · widths stay multiples of ${options.align}` : ''}`),
    '',
    table(COLUMNS, rows),
    sites.map((site) => reasons(site, page)),
    label('summary', summaryWords(report)),
    sizeWords(report).map(([name, text]) => label(name, text)),
    label('quality', qualityChangeWords(quality)),
    label('output', outputWords(report, output)),
    warnings(report.warnings),
  ]);
}

function summaryWords({ summary: { outcome, removed }, sites }: PruneReport): string {
  if (outcome === 'nothing-dead') return 'no neuron can go: none always had one value';
  const layers = sites.filter((site) => site.removed.length > 0).length;
  return outcome === 'pruned'
    ? `${counted(removed, 'neuron')} removed from ${counted(layers, 'layer')}`
    : 'nothing was removed: the neurons that could go must stay';
}

function sizeWords({ summary, outputs }: PruneReport): [string, string][] {
  const { parameters, bytes, forwardSeconds } = summary;
  const change = ({ before, after }: { before: number; after: number }, format: (n: number) => string) =>
    `${format(before)} → ${format(after)} (${before > 0 ? percentChange(after / before - 1) : '–'})`;
  const words: [string, string][] = [
    ['size', `${change(parameters, quantity)} parameters, ${change(bytes, number)} bytes`],
  ];
  if (forwardSeconds)
    words.push([
      'forward',
      `${change(forwardSeconds, duration)} for ${counted(forwardSeconds.positions, 'position')}`,
    ]);
  if (outputs) {
    const { largestDifference, largestOutput, relative, tolerance, positions } = outputs;
    const verdict = tolerance === null ? '' : `; rounding is up to ${tolerance}`;
    const differences =
      largestDifference === 0
        ? 'are the same to the bit'
        : `differ by at most ${largestDifference.toPrecision(2)} (largest output ${largestOutput.toPrecision(3)}, relative ${relative?.toExponential(1) ?? 'infinite'}${verdict})`;
    words.push(['outputs', `${differences}, on ${counted(positions, 'position')}`]);
  }
  return words;
}

const percentChange = (ratio: number): string =>
  ratio === 0 ? 'unchanged' : `${ratio > 0 ? '+' : '−'}${percent(Math.abs(ratio))}`;

function outputWords({ summary }: PruneReport, { path }: PruneReport['output']): string {
  return summary.outcome === 'pruned' ? path : `${path} · an identical copy`;
}

/** Says why neurons stayed; a site of which none can go is listed with the reason even if none would. */
function reasons({ id, kept, refused }: PruneReport['sites'][number], { colors, paragraph }: Layout): Lines {
  if (kept.length === 0 && refused !== null) {
    return paragraph(`${id}: cannot be pruned, ${refused}`).map(colors.dim);
  }
  return kept.map(({ reason, neurons }) =>
    paragraph(`${id}: ${number(neurons.length)} kept, ${reason} (${indexList(neurons, SHOWN_INDICES)})`).map(
      colors.dim,
    ),
  );
}
