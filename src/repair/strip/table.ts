import type { TextOptions } from '../../report/colors.js';
import { counted, number, percent } from '../../report/format.js';
import { type Layout, type Lines, layout, textOf } from '../../report/layout.js';
import type { Column } from '../../report/text.js';
import { indexList, modelOnData } from '../../report/words.js';
import { qualityChangeWords } from '../quality-change.js';
import type { StripReport } from './schema.js';

const COLUMNS: Column[] = [
  { title: 'site', align: 'left', elastic: true },
  { title: 'neurons', align: 'right' },
  { title: 'dead', align: 'right' },
  { title: 'now', align: 'right' },
  { title: 'revived', align: 'right' },
  { title: 'newly', align: 'right' },
  { title: 'stripped', align: 'right' },
  { title: 'weights', align: 'right' },
];

/** Number of neurons that are listed for a reason; the JSON has them all. */
const SHOWN_INDICES = 8;

/**
 * Renders a strip for a terminal: a line per site, why neurons are still dead, a summary. Ends with a
 * newline.
 */
export function renderStrip(report: StripReport, textOptions: TextOptions = {}): string {
  const { options, sites, summary, quality } = report;
  const page = layout(textOptions);
  const { colors, label, table, warnings } = page;
  const how = `by ${options.by} · ${percent(options.fraction)} of what remains · ${counted(report.rounds.length, 'round')} of at most ${options.rounds}`;
  const rows = sites.map(({ id, neurons, dead, revived, newlyDead, stripped, weights }) => [
    { text: id },
    { text: number(neurons) },
    { text: number(dead.before) },
    { text: number(dead.after), ...(dead.after < dead.before && { paint: colors.green }) },
    { text: number(revived.length) },
    { text: number(newlyDead.length), ...(newlyDead.length > 0 && { paint: colors.red }) },
    { text: number(stripped) },
    { text: number(weights) },
  ]);
  const { capacity } = summary;
  return textOf([
    label('model', modelOnData(report)),
    label('strip', how),
    '',
    table(COLUMNS, rows),
    sites.map((site) => stillDead(site, page)),
    label('summary', summaryWords(report)),
    label(
      'capacity',
      `${percent(capacity.before.ratio)} of ${number(capacity.before.parameters)} parameters active → ${percent(capacity.after.ratio)}`,
    ),
    label('quality', qualityChangeWords(quality)),
    label('note', 'nothing was retrained; the paper goes on training after each strip'),
    label('output', outputWords(report)),
    warnings(report.warnings),
  ]);
}

function summaryWords({ summary }: StripReport): string {
  const { outcome, dead, revived, newlyDead, strippedNeurons, weights, bytesChanged } = summary;
  if (outcome === 'nothing-dead') return 'no neuron is dead: nothing to strip';
  const done = `${counted(weights, 'weight')} of ${counted(strippedNeurons, 'neuron')} set to zero (${counted(bytesChanged, 'byte')} changed)`;
  const result = `${number(dead.before)} dead → ${number(dead.after)}: ${number(revived)} revived, ${number(newlyDead)} newly dead`;
  return outcome === 'nothing-to-strip'
    ? `${number(dead.before)} dead, none of which can be stripped`
    : `${result}; ${done}`;
}

function outputWords({ output, options, summary, maxQualityLoss }: StripReport): string {
  if (summary.outcome === 'quality-refused') {
    return `nothing was written: the quality fell by more than ${percent(maxQualityLoss)}`;
  }
  if (options.mode === 'dry-run') return 'nothing was written (--dry-run)';
  if (!output) return 'nothing was written';
  if (output.record === null) return `${output.path} is as it was`;
  const what =
    summary.weights === 0 ? 'an identical copy' : `undo with \`audit strip --undo ${output.path}\``;
  return `${output.path} · ${what}`;
}

function stillDead({ id, stillDead }: StripReport['sites'][number], { colors, paragraph }: Layout): Lines {
  return stillDead.map(({ reason, neurons }) =>
    paragraph(
      `${id}: ${number(neurons.length)} still dead, ${reason} (${indexList(neurons, SHOWN_INDICES)})`,
    ).map(colors.dim),
  );
}
