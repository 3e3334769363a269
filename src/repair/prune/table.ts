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
  { title: 'proven', align: 'right' },
  { title: 'kept', align: 'right' },
];

/** Indices that are listed for a reason; the JSON has them all. */
const SHOWN_INDICES = 8;

/**
 * Renders a pruning for a terminal: a line per site, why neurons stayed, a summary. The text ends with a
 * newline.
 */
export function renderPrune(report: PruneReport, textOptions: TextOptions = {}): string {
  const { options, sites, quality, output } = report;
  const page = layout(textOptions);
  const { colors, label, table, warnings } = page;
  const rows = sites.map(({ id, neurons, zero, folded, proven, removed, kept }) => [
    { text: id },
    { text: number(neurons.before) },
    { text: number(neurons.after), ...(removed.length > 0 && { paint: colors.green }) },
    { text: number(removed.length) },
    { text: number(zero) },
    { text: number(folded) },
    { text: number(proven) },
    { text: number(kept.reduce((sum, { neurons: some }) => sum + some.length, 0)) },
  ]);
  return textOf([
    label('model', modelOnData(report)),
    label('prune', optionWords(options)),
    '',
    table(COLUMNS, rows),
    sites.map((site) => reasons(site, page)),
    label('summary', summaryWords(report)),
    proofWords(report).map((text) => label('proven', text)),
    sizeWords(report).map(([name, text]) => label(name, text)),
    label('quality', qualityChangeWords(quality)),
    label('output', outputWords(report, output)),
    warnings(report.warnings),
  ]);
}

function optionWords({ exact, only, align }: PruneReport['options']): string {
  const which =
    only === 'proven'
      ? 'neurons that are proven to have one value for every input'
      : exact
        ? 'neurons that always had one value'
        : 'dead neurons, replaced by their mean';
  return align > 1 ? `${which} · widths stay multiples of ${align}` : which;
}

/** Tells how many of the removed neurons are proven to be dead, and where the others were. */
function proofWords({ summary: { removed, proven }, verification }: PruneReport): string[] {
  if (removed === 0) return [];
  const others = removed - proven;
  const where = verification
    ? `on both data sets (the second is ${dataWords(verification.data)})`
    : 'on this data';
  return [
    `${number(proven)} of ${number(removed)} have one value for every input` +
      (others > 0 ? `, ${number(others)} had one ${where}` : ''),
  ];
}

const dataWords = ({ name, split, positions }: PruneReport['data']): string =>
  `${[name, split].filter(Boolean).join(' ')}, ${counted(positions, 'position')}`;

function summaryWords({ summary: { outcome, removed }, sites }: PruneReport): string {
  if (outcome === 'nothing-dead') return 'no neuron can go: none always had one value';
  const layers = sites.filter((site) => site.removed.length > 0).length;
  return outcome === 'pruned'
    ? `${counted(removed, 'neuron')} removed from ${counted(layers, 'layer')}`
    : 'nothing was removed: the neurons that could go must stay';
}

function sizeWords({ summary, outputs, verification }: PruneReport): [string, string][] {
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
  if (outputs) words.push(['outputs', outputChangeWords(outputs)]);
  if (verification?.outputs) words.push(['', `second data: ${outputChangeWords(verification.outputs)}`]);
  return words;
}

function outputChangeWords(outputs: NonNullable<PruneReport['outputs']>): string {
  const { largestDifference, largestOutput, relative, tolerance, positions } = outputs;
  const rounding = tolerance === null ? '' : `; rounding is up to ${tolerance}`;
  const differences =
    largestDifference === 0
      ? 'are the same to the bit'
      : `differ by at most ${largestDifference.toPrecision(2)} (largest output ${largestOutput.toPrecision(3)}, relative ${relative?.toExponential(1) ?? 'infinite'}${rounding})`;
  return `${differences}, on ${counted(positions, 'position')}`;
}

const percentChange = (ratio: number): string =>
  ratio === 0 ? 'unchanged' : `${ratio > 0 ? '+' : '−'}${percent(Math.abs(ratio))}`;

function outputWords({ summary }: PruneReport, { path }: PruneReport['output']): string {
  return summary.outcome === 'pruned' ? path : `${path} · an identical copy`;
}

/** Lists why neurons stayed. A site of which none can go is listed with the reason, even if none was dead. */
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
