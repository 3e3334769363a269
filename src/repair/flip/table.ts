import type { Colors, TextOptions } from '../../report/colors.js';
import { counted, number, percent } from '../../report/format.js';
import { layout, textOf } from '../../report/layout.js';
import type { Cell, Column } from '../../report/text.js';
import type { FlipReport } from './schema.js';

const COLUMNS: Column[] = [
  { title: 'layer', align: 'left', elastic: true },
  { title: 'neurons', align: 'right' },
  { title: 'alive before it', align: 'right' },
  { title: 'as it is', align: 'right' },
  { title: 'negated', align: 'right' },
  { title: '', align: 'left' },
];

/** Renders a flip for a terminal. Ends with a newline. */
export function renderFlip(report: FlipReport, textOptions: TextOptions = {}): string {
  const { model, data, layers, summary, output, options } = report;
  const { colors, label, paragraph, table, warnings } = layout(textOptions);
  const { guaranteed } = summary;
  return textOf([
    label('model', `${model.name} · ${counted(layers.length, 'rectifier layer')}`),
    label('data', `${data.name} · ${counted(summary.points, 'data point')}`),
    '',
    table(
      COLUMNS,
      layers.map((layer) => row(layer, colors)),
    ),
    layers.map(({ id, reason }) => (reason ? paragraph(`${id}: ${reason}`) : [])),
    label('summary', summaryText(summary)),
    guaranteed === null
      ? []
      : label('', `guaranteed: at least ${number(guaranteed)} (⌊M / 2^k⌋, Rister & Rubin, section 7)`),
    label('output', outputText(output, options.mode, summary.flipped)),
    warnings(report.warnings),
  ]);
}

function row(layer: FlipReport['layers'][number], { green, red }: Colors): Cell[] {
  const { id, neurons, entering, left, action } = layer;
  const paint = action === 'flipped' ? green : action === 'refused' ? red : null;
  const word = action === 'kept' ? '' : action === 'flipped' ? 'negated' : 'not negated';
  return [
    { text: id },
    { text: number(neurons) },
    { text: number(entering) },
    { text: number(left.asIs) },
    { text: left.negated === null ? '' : number(left.negated) },
    { text: word, ...(paint && { paint }) },
  ];
}

function summaryText({ outcome, alive, aliveShare, flipped, points }: FlipReport['summary']): string {
  const now = `${number(alive.after)} of ${counted(points, 'data point')} (${percent(aliveShare.after)})`;
  if (outcome === 'nothing-to-flip') {
    return `no layer kills more than half of the data alive before it: nothing to flip; ${now} alive`;
  }
  const before = `${number(alive.before)} (${percent(aliveShare.before)})`;
  return `${counted(flipped, 'layer')} negated; alive after the last layer: ${before} → ${now}`;
}

function outputText(
  output: FlipReport['output'],
  mode: FlipReport['options']['mode'],
  flipped: number,
): string {
  if (!output) return mode === 'dry-run' ? 'none: --dry-run' : 'none';
  const what = flipped === 0 ? (mode === 'in-place' ? ' (unchanged)' : ' (identical to the input)') : '';
  return `${output.path}${what}`;
}
