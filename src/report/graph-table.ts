import type { Colors } from './colors.js';
import { number, percent, printable, significant } from './format.js';
import type { AuditReport, GraphReport } from './schema.js';
import { levels } from './sparkline.js';
import { type Cell, type Column, tableLines, wrap } from './text.js';

/** Layers that are listed one by one; of more the first and the last are, with the chart to show the course. */
const SHOWN_LAYERS = 16;

const LEGEND =
  'smoothness on the graph: Dirichlet energy, distance to the mean, degree-normalised Dirichlet energy, mean average distance (cosine), effective rank, share of zero outputs';

const CHART_WIDTH = 48;

const COLUMNS: Column[] = [
  { title: 'layer', align: 'right', elastic: true },
  { title: 'site', align: 'left', elastic: true },
  { title: 'energy', align: 'right' },
  { title: 'to mean', align: 'right' },
  { title: 'degree', align: 'right' },
  { title: 'MAD', align: 'right' },
  { title: 'rank', align: 'right' },
  { title: 'zeros', align: 'right' },
];

/** Over-smoothing by layer, and a chart of the Dirichlet energy where there is a course to show; empty without a graph. */
export function graphLines({ graph = [] }: AuditReport, width: number, colors: Colors): string[] {
  if (graph.length === 0) return [];
  const { shown, gap } = shownLayers(graph);
  const table = tableLines(COLUMNS, shown.map(row), width, colors);
  if (gap) table.splice(1 + SHOWN_LAYERS / 2, 0, colors.dim(gap));
  return [...table, '', ...wrap(LEGEND, width).map(colors.dim), ...charts(graph, colors), ''];
}

/** The table as text, for other renderings; `null` without a graph. */
export function graphTable({ graph = [] }: AuditReport): {
  columns: Pick<Column, 'title' | 'align'>[];
  rows: string[][];
  legend: string;
} | null {
  if (graph.length === 0) return null;
  const { shown, gap } = shownLayers(graph);
  const rows = shown.map((entry) => row(entry).map(({ text }) => text));
  if (gap) rows.splice(SHOWN_LAYERS / 2, 0, [gap, ...COLUMNS.slice(1).map(() => '')]);
  return { columns: COLUMNS, rows, legend: LEGEND };
}

/** All layers, or of many the first and the last, and what is said of those between. */
function shownLayers(graph: GraphReport[]): { shown: GraphReport[]; gap: string | null } {
  if (graph.length <= SHOWN_LAYERS + 1) return { shown: graph, gap: null };
  const half = SHOWN_LAYERS / 2;
  const gap = `… ${number(graph.length - SHOWN_LAYERS)} more layers, in the JSON report`;
  return { shown: [...graph.slice(0, half), ...graph.slice(-half)], gap };
}

/** `energy   ▇▆▅▄▃▂▁▁ 6.8 → 3.1e-9` */
function charts(graph: GraphReport[], colors: Colors): string[] {
  if (graph.length < 3) return [];
  const lines = (
    [
      ['energy', 'dirichletEnergy'],
      ['rank', 'effectiveRank'],
    ] as const
  ).flatMap(([name, field]) => {
    const values = graph.map((entry) => entry[field]);
    const known = values.filter((value) => value !== null);
    if (known.length < 3) return [];
    const course = `${short(known[0]!)} → ${short(known.at(-1)!)}`;
    return [`${colors.bold(name.padEnd(10))}${levels(values, CHART_WIDTH)} ${course} by layer, logarithmic`];
  });
  return lines.length > 0 ? ['', ...lines] : [];
}

function row(entry: GraphReport): Cell[] {
  const { stack, layer, site, part } = entry;
  return [
    { text: printable(stack === '' ? String(layer) : `${stack}.${layer}`) },
    { text: printable(part === '' ? site : `${site}.${part}`) },
    { text: short(entry.dirichletEnergy) },
    { text: short(entry.distanceToMean) },
    { text: short(entry.degreeNormalisedDirichletEnergy) },
    { text: short(entry.meanAverageDistance) },
    { text: short(entry.effectiveRank) },
    { text: percent(entry.zeroShare) },
  ];
}

/** Three digits, with an exponent where a deep network has faded: `6.81`, `3.1e-9`. */
function short(value: number | null): string {
  if (value === null) return '–';
  return value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
    ? value.toExponential(1).replace('e+', 'e')
    : significant(value);
}
