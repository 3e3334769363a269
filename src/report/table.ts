import type { Colors, TextOptions } from './colors.js';
import { number, percent } from './format.js';
import { graphLines } from './graph-table.js';
import { failedRules, layout, textOf } from './layout.js';
import type { AuditReport, SiteReport } from './schema.js';
import { sparkline } from './sparkline.js';
import type { Cell, Column } from './text.js';
import { layerName, reportWords, siteName } from './words.js';

/** From this dead ratio on a site is shown in red. */
const ALARMING_RATIO = 0.1;

const COLUMNS: Column[] = [
  { title: 'layer', align: 'right', elastic: true },
  { title: 'site', align: 'left', elastic: true },
  { title: 'act.', align: 'left', elastic: true },
  { title: 'neurons', align: 'right' },
  { title: 'dead', align: 'right' },
  { title: 'ratio', align: 'right' },
  { title: 'p5', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p95', align: 'right' },
  { title: 'values', align: 'left' },
];

const LEGEND =
  'p5, p50, p95: quantiles over neurons of how often they fire; values: their histogram from smallest to largest, logarithmic';

/**
 * Renders an audit report for a terminal: header, a line per site, summary, warnings, verdict. Ends with a
 * newline.
 */
export function renderTable(report: AuditReport, options: TextOptions = {}): string {
  const { colors, label, paragraph, table, warnings, gate } = layout(options);
  const words = reportWords(report);
  const failing = new Set(failedRules(report.gate).map(({ site }) => site));
  const rows = report.sites.map((site) => row(site, failing.has(site.id), colors));
  return textOf([
    label('model', words.model),
    label('data', words.data),
    label('dead', words.criterion),
    label('run', words.run),
    '',
    table(COLUMNS, rows),
    rows.length > 0 ? [paragraph(LEGEND, '').map(colors.dim), ''] : [],
    graphLines(report, options),
    words.summary.map((text, k) => label(k === 0 ? 'summary' : '', text)),
    label('flags', words.flags),
    label('capacity', words.capacity),
    label('alive', words.alive),
    warnings(report.warnings),
    report.gate ? gate(report.gate) : [],
  ]);
}

function row(site: SiteReport, failing: boolean, colors: Colors): Cell[] {
  const { activation, neurons, dead, deadRatio, frequency, flags } = site;
  const isAlarming = failing || (deadRatio ?? 0) >= ALARMING_RATIO;
  const paint = isAlarming ? colors.red : dead > 0 ? colors.yellow : (text: string) => text;
  return [
    { text: layerName(site) },
    { text: siteName(site) },
    { text: activation ?? '', paint: colors.dim },
    { text: number(neurons) },
    { text: number(dead), paint },
    { text: percent(deadRatio), paint },
    ...[frequency.p05, frequency.p50, frequency.p95].map((ratio) => ({ text: percent(ratio) })),
    flags.nonFinite > 0 ? { text: 'NaN/Inf', paint: colors.red } : { text: sparkline(site.values) },
  ];
}
