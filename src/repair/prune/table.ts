import { PLAIN, type TextOptions } from '../../report/colors.js';
import { counted, duration, number, percent, printable, quantity } from '../../report/format.js';
import { labelled, warningLines } from '../../report/table.js';
import { type Column, tableLines, wrap } from '../../report/text.js';
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
export function renderPrune(report: PruneReport, { colors = PLAIN, width = 80 }: TextOptions = {}): string {
  const { model, data, options, sites, quality, output } = report;
  const label = (name: string, text: string) => labelled(name, printable(text), width, colors);
  const rows = sites.map(({ id, neurons, zero, folded, removed, kept }) => [
    { text: printable(id) },
    { text: number(neurons.before) },
    { text: number(neurons.after), ...(removed.length > 0 && { paint: colors.green }) },
    { text: number(removed.length) },
    { text: number(zero) },
    { text: number(folded) },
    { text: number(kept.reduce((sum, { neurons: some }) => sum + some.length, 0)) },
  ]);
  const what = options.exact ? 'neurons that always had one value' : 'dead neurons, replaced by their mean';
  const lines = [
    ...label(
      'model',
      `${model.name} · ${[data.name, data.split].filter(Boolean).join(' ')}, ${counted(data.positions, 'position')}`,
    ),
    ...label('prune', `${what}${options.align > 1 ? ` · widths stay multiples of ${options.align}` : ''}`),
    '',
    ...tableLines(COLUMNS, rows, width, colors),
    '',
    ...sites.flatMap((site) => reasons(site, width).map(colors.dim)),
    ...label('summary', summaryWords(report)),
    ...sizeWords(report).flatMap(([name, text]) => label(name, text)),
    ...label('quality', qualityChangeWords(quality)),
    ...label('output', outputWords(report, output)),
    ...warningLines(report.warnings, width, colors),
  ];
  return `${lines.join('\n')}\n`;
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

/** Why neurons stayed; a site of which none can go is listed with the reason even where none would. */
function reasons({ id, kept, refused }: PruneReport['sites'][number], width: number): string[] {
  if (kept.length === 0 && refused !== null) return wrap(`${id}: cannot be pruned, ${refused}`, width, '  ');
  return kept.flatMap(({ reason, neurons }) => {
    const shown = neurons.slice(0, SHOWN_INDICES).join(' ') + (neurons.length > SHOWN_INDICES ? ' …' : '');
    return wrap(`${id}: ${number(neurons.length)} kept, ${reason} (${shown})`, width, '  ');
  });
}
