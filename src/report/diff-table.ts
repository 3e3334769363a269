import type { Colors, TextOptions } from './colors.js';
import type { DiffReport } from './diff-schema.js';
import { counted, number, percent } from './format.js';
import { type Layout, type Lines, layout, textOf } from './layout.js';
import type { Cell, Column } from './text.js';
import { indexList } from './words.js';

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

/**
 * Renders a difference for a terminal: a line per site, then which neurons died and revived. Ends with a
 * newline.
 */
export function renderDiff(diff: DiffReport, options: TextOptions = {}): string {
  const page = layout(options);
  const { colors, label, table, warnings } = page;
  const rows = diff.sites.map((site) => row(site, colors));
  return textOf([
    label('old', sideWords(diff.old)),
    label('new', sideWords(diff.new)),
    '',
    table(COLUMNS, rows),
    diff.sites.map((site) => [
      neurons(`${site.id} newly dead`, site.newlyDead, page, colors.red),
      neurons(`${site.id} revived`, site.revived, page, colors.green),
    ]),
    only('only in the old report', diff.onlyOld, page),
    only('only in the new report', diff.onlyNew, page),
    label('summary', totals(diff)),
    warnings(diff.warnings),
  ]);
}

/** Returns the totals in words: `3 newly dead, 1 revived, 4 dead in both; model 1.2% → 1.9%`. */
export function totals({ summary: { newlyDead, revived, deadInBoth, deadRatio } }: DiffReport): string {
  return (
    `${number(newlyDead)} newly dead, ${number(revived)} revived, ${number(deadInBoth)} dead in both; ` +
    `model ${percent(deadRatio.old)} → ${percent(deadRatio.new)}`
  );
}

function sideWords({ model, data, positions, createdAt }: DiffReport['old']): string {
  return `${model} · ${data}, ${counted(positions, 'position')} · ${createdAt.slice(0, 10)}`;
}

function row({ id, neurons, dead, deadRatio, ...sets }: DiffSite, { red, green }: Colors): Cell[] {
  const change = deadRatio.change ?? 0;
  const paint = change > 0 ? red : change < 0 ? green : undefined;
  const changeText = deadRatio.change === null ? '–' : `${change > 0 ? '+' : ''}${percent(change)}`;
  const size = (indices: number[] | null) => ({ text: indices === null ? '–' : number(indices.length) });
  const isSame = neurons.old === neurons.new;
  return [
    { text: id },
    { text: isSame ? number(neurons.new) : `${number(neurons.old)} → ${number(neurons.new)}` },
    { text: number(dead.old) },
    { text: number(dead.new) },
    { text: changeText, ...(paint && { paint }) },
    size(sets.newlyDead),
    size(sets.revived),
    size(sets.deadInBoth),
  ];
}

function neurons(
  title: string,
  indices: number[] | null,
  { paragraph }: Layout,
  paint: (text: string) => string,
): Lines {
  if (indices === null || indices.length === 0) return [];
  return paragraph(`${title}: ${indexList(indices)}`).map(paint);
}

function only(title: string, ids: string[], { paragraph }: Layout): Lines {
  return ids.length === 0 ? [] : paragraph(`${title}: ${ids.join(', ')}`);
}
