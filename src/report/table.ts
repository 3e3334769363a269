import { type Colors, PLAIN, type TextOptions } from './colors.js';
import { counted, number, percent, printable } from './format.js';
import { graphLines } from './graph-table.js';
import type { AuditReport, Gate, SiteReport, Warning } from './schema.js';
import { sparkline } from './sparkline.js';
import { type Cell, type Column, tableLines, wrap } from './text.js';
import { shownWarnings } from './warnings.js';
import { reportWords, ruleWords } from './words.js';

/** From this dead ratio on a site is shown in red. */
const ALARMING_RATIO = 0.1;
/** Failed rules that are listed; a model may have hundreds of sites. */
const SHOWN_FAILURES = 12;
const LABEL_WIDTH = 10;

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

/** The report for a terminal: header, a line per site, summary, warnings, verdict. Ends with a newline. */
export function renderTable(report: AuditReport, { colors = PLAIN, width = 80 }: TextOptions = {}): string {
  const words = reportWords(report);
  const label = (name: string, text: string) => labelled(name, text, width, colors);
  const failing = new Set(
    report.gate?.rules.filter(({ status }) => status === 'failed').map(({ site }) => site),
  );
  const rows = report.sites.map((site) => row(site, failing.has(site.id), colors));
  const lines = [
    ...label('model', words.model),
    ...label('data', words.data),
    ...label('dead', words.criterion),
    ...label('run', words.run),
    '',
    ...(rows.length > 0
      ? [...tableLines(COLUMNS, rows, width, colors), '', ...legend(width, colors), '']
      : []),
    ...graphLines(report, width, colors),
    ...words.summary.flatMap((text, k) => label(k === 0 ? 'summary' : '', text)),
    ...(words.flags ? label('flags', words.flags) : []),
    ...label('capacity', words.capacity),
    ...(words.alive ? label('alive', words.alive) : []),
    ...warningLines(report.warnings, width, colors),
    ...(report.gate ? gateLines(report.gate, width, colors) : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Warnings, a paragraph each. */
export function warningLines(warnings: Warning[], width: number, colors: Colors): string[] {
  if (warnings.length === 0) return [];
  const lines = shownWarnings(warnings).flatMap(({ code, message }) =>
    wrap(`! ${code}: ${message}`, width, '  '),
  );
  return ['', ...lines.map(colors.yellow)];
}

/** The verdict and, if it is bad, the rules that failed. */
export function gateLines(gate: Gate, width: number, colors: Colors): string[] {
  const failed = gate.rules.filter(({ status }) => status === 'failed');
  const checks = counted(gate.rules.length, 'check');
  const shown = failed.length > SHOWN_FAILURES ? failed.slice(0, SHOWN_FAILURES - 1) : failed;
  const more = failed.length - shown.length;
  if (gate.status === 'passed') return ['', colors.green(`✓ gate passed (${checks})`)];
  return [
    '',
    ...shown.flatMap((rule) => wrap(`✗ ${ruleWords(rule)}`, width, '    ')).map(colors.red),
    ...(more > 0 ? [colors.red(`✗ … and ${number(more)} more`)] : []),
    colors.bold(colors.red(`✗ gate failed (${number(failed.length)} of ${checks})`)),
  ];
}

/** `name` in a column of its own before the text. */
export function labelled(name: string, text: string, width: number, colors: Colors): string[] {
  const lines = wrap(text, width - LABEL_WIDTH);
  return lines.map((line, k) => `${colors.bold((k === 0 ? name : '').padEnd(LABEL_WIDTH))}${line}`.trimEnd());
}

function row(site: SiteReport, failing: boolean, colors: Colors): Cell[] {
  const { stack, layer, part, activation, neurons, dead, deadRatio, frequency, flags } = site;
  const alarming = failing || (deadRatio ?? 0) >= ALARMING_RATIO;
  const paint = alarming ? colors.red : dead > 0 ? colors.yellow : (text: string) => text;
  const name = part === '' ? site.site : `${site.site}.${part}`;
  return [
    { text: printable(stack === '' ? String(layer) : `${stack}.${layer}`) },
    { text: printable(name) },
    { text: printable(activation ?? ''), paint: colors.dim },
    { text: number(neurons) },
    { text: number(dead), paint },
    { text: deadRatio === null ? '–' : percent(deadRatio), paint },
    ...[frequency.p05, frequency.p50, frequency.p95].map((ratio) => ({
      text: percent(ratio),
    })),
    flags.nonFinite > 0 ? { text: 'NaN/Inf', paint: colors.red } : { text: sparkline(site.values) },
  ];
}

function legend(width: number, colors: Colors): string[] {
  const text =
    'p5, p50, p95: quantiles over neurons of how often they fire; values: their histogram from smallest to largest, logarithmic';
  return wrap(text, width).map(colors.dim);
}
