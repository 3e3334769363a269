import { PLAIN, type TextOptions } from './colors.js';
import type { DiffReport } from './diff-schema.js';
import { counted, number, percent, printable } from './format.js';
import { labelled, warningLines } from './table.js';
import { type Cell, type Column, tableLines, wrap } from './text.js';

type DiffSite = DiffReport['sites'][number];

const COLUMNS: Column[] = [
  { title: 'site', align: 'left', elastic: true },
  { title: 'neurons', align: 'right' },
  { title: 'dead', align: 'right' },
  { title: 'now', align: 'right' },
  { title: 'change', align: 'right' },
  { title: 'newly', align: 'right' },
  { title: 'revived', align: 'right' },
  { title: 'both', align: 'right' },
];

/** Indices that are listed per site; the JSON has them all. */
const SHOWN_INDICES = 20;

/** A difference for a terminal: a line per site, then which neurons died and revived. Ends with a newline. */
export function renderDiff(diff: DiffReport, { colors = PLAIN, width = 80 }: TextOptions = {}): string {
  const side = ({ model, data, positions, createdAt }: DiffReport['old']) =>
    `${model} · ${data}, ${counted(positions, 'position')} · ${createdAt.slice(0, 10)}`;
  const rows = diff.sites.map((site) => row(site, colors.red, colors.green));
  const lines = [
    ...labelled('old', side(diff.old), width, colors),
    ...labelled('new', side(diff.new), width, colors),
    '',
    ...(rows.length > 0 ? [...tableLines(COLUMNS, rows, width, colors), ''] : []),
    ...diff.sites.flatMap((site) => [
      ...neurons(`${site.id} newly dead`, site.newlyDead, width).map(colors.red),
      ...neurons(`${site.id} revived`, site.revived, width).map(colors.green),
    ]),
    ...only('only in the old report', diff.onlyOld, width),
    ...only('only in the new report', diff.onlyNew, width),
    ...labelled('summary', totals(diff), width, colors),
    ...warningLines(diff.warnings, width, colors),
  ];
  return `${lines.join('\n')}\n`;
}

/** `3 newly dead, 1 revived, 4 dead in both; model 1.2% → 1.9%` */
export function totals({ summary: { newlyDead, revived, deadInBoth, deadRatio } }: DiffReport): string {
  return (
    `${number(newlyDead)} newly dead, ${number(revived)} revived, ${number(deadInBoth)} dead in both; ` +
    `model ${percent(deadRatio.old)} → ${percent(deadRatio.new)}`
  );
}

function row(
  { id, neurons, dead, deadRatio, ...sets }: DiffSite,
  worse: Cell['paint'],
  better: Cell['paint'],
): Cell[] {
  const moved = deadRatio.change ?? 0;
  const sign = moved > 0 ? '+' : '';
  const paint = moved > 0 ? worse : moved < 0 ? better : undefined;
  const change = deadRatio.change === null ? '–' : `${sign}${percent(moved)}`;
  const count = (indices: number[] | null) => ({ text: indices === null ? '–' : number(indices.length) });
  return [
    { text: printable(id) },
    {
      text:
        neurons.old === neurons.new ? number(neurons.new) : `${number(neurons.old)} → ${number(neurons.new)}`,
    },
    { text: number(dead.old) },
    { text: number(dead.new) },
    { text: change, ...(paint && { paint }) },
    count(sets.newlyDead),
    count(sets.revived),
    count(sets.deadInBoth),
  ];
}

function neurons(title: string, indices: number[] | null, width: number): string[] {
  if (indices === null || indices.length === 0) return [];
  const shown = indices.slice(0, SHOWN_INDICES).join(' ');
  const more = indices.length - SHOWN_INDICES;
  return wrap(`${title}: ${shown}${more > 0 ? ` … and ${number(more)} more` : ''}`, width, '  ');
}

function only(title: string, ids: string[], width: number): string[] {
  return ids.length === 0 ? [] : wrap(`${title}: ${ids.join(', ')}`, width, '  ');
}
