import type { TextOptions } from './colors.js';
import { number, percent, significant } from './format.js';
import { type Lines, layout } from './layout.js';
import type { AuditReport, GraphReport } from './schema.js';
import { levels } from './sparkline.js';
import type { Column } from './text.js';
import { layerName, siteName } from './words.js';

/**
 * Layers that are listed one by one; of more the first and the last are, with the chart to show the course.
 */
const SHOWN_LAYERS = 16;

const LEGEND =
  'smoothness on the graph: Dirichlet energy, distance to the mean, degree-normalised Dirichlet energy, mean average distance (cosine), effective rank, share of zero outputs';

const CHART_WIDTH = 48;
/** Fewer layers make no course. */
const LEAST_CHARTED = 3;

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

/** Returns over-smoothing by layer, and charts where there is a course to show; nothing without a graph. */
export function graphLines({ graph = [] }: AuditReport, options: TextOptions): Lines {
  if (graph.length === 0) return [];
  const { colors, table, paragraph } = layout(options);
  const { shown, gap } = shownLayers(graph);
  const [lines] = table(
    COLUMNS,
    shown.map(cells).map((row) => row.map((text) => ({ text }))),
  ) as [string[]];
  return [
    gap ? lines.toSpliced(1 + SHOWN_LAYERS / 2, 0, colors.dim(gap)) : lines,
    '',
    paragraph(LEGEND, '').map(colors.dim),
    charts(graph, colors.bold),
    '',
  ];
}

/** Returns the table as text, for other renderings; `null` without a graph. */
export function graphTable({ graph = [] }: AuditReport): {
  columns: Pick<Column, 'title' | 'align'>[];
  rows: string[][];
  legend: string;
} | null {
  if (graph.length === 0) return null;
  const { shown, gap } = shownLayers(graph);
  const rows = shown.map(cells);
  if (gap) rows.splice(SHOWN_LAYERS / 2, 0, [gap, ...COLUMNS.slice(1).map(() => '')]);
  return { columns: COLUMNS, rows, legend: LEGEND };
}

/** All layers; or of many the first and the last, and what stands for those between. */
function shownLayers(graph: GraphReport[]): { shown: GraphReport[]; gap: string | null } {
  if (graph.length <= SHOWN_LAYERS + 1) return { shown: graph, gap: null };
  const half = SHOWN_LAYERS / 2;
  const gap = `… ${number(graph.length - SHOWN_LAYERS)} more layers, in the JSON report`;
  return { shown: [...graph.slice(0, half), ...graph.slice(-half)], gap };
}

/** `energy   ▇▆▅▄▃▂▁▁ 6.8 → 3.1e-9` */
function charts(graph: GraphReport[], bold: (text: string) => string): Lines {
  const fields = [
    ['energy', 'dirichletEnergy'],
    ['rank', 'effectiveRank'],
  ] as const;
  const lines = fields.flatMap(([name, field]) => {
    const values = graph.map((entry) => entry[field]);
    const known = values.filter((value) => value !== null);
    if (known.length < LEAST_CHARTED) return [];
    const course = `${short(known[0]!)} → ${short(known.at(-1)!)}`;
    return [`${bold(name.padEnd(10))}${levels(values, CHART_WIDTH)} ${course} by layer, logarithmic`];
  });
  return lines.length > 0 ? ['', lines] : [];
}

function cells(entry: GraphReport): string[] {
  return [
    layerName(entry),
    siteName(entry),
    short(entry.dirichletEnergy),
    short(entry.distanceToMean),
    short(entry.degreeNormalisedDirichletEnergy),
    short(entry.meanAverageDistance),
    short(entry.effectiveRank),
    percent(entry.zeroShare),
  ];
}

/** Three digits, with an exponent where a deep network has faded: `6.81`, `3.1e-9`. */
function short(value: number | null): string {
  if (value === null) return '–';
  const isExtreme = value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5);
  return isExtreme ? value.toExponential(1).replace('e+', 'e') : significant(value);
}
