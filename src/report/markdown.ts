import { counted, number, percent, printable } from './format.js';
import { graphTable } from './graph-table.js';
import { failedRules } from './layout.js';
import type { AuditReport, Gate, SiteReport } from './schema.js';
import { sparkline } from './sparkline.js';
import type { Column } from './text.js';
import { shownWarnings } from './warnings.js';
import { reportWords, ruleWords } from './words.js';

const COLUMNS: Pick<Column, 'title' | 'align'>[] = [
  { title: 'site', align: 'left' },
  { title: 'activation', align: 'left' },
  { title: 'neurons', align: 'right' },
  { title: 'dead', align: 'right' },
  { title: 'ratio', align: 'right' },
  { title: 'fires p5', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p95', align: 'right' },
  { title: 'values', align: 'left' },
];

/** Renders an audit report as Markdown, e.g. for a GitHub step summary. Ends with a newline. */
export function renderMarkdown(report: AuditReport): string {
  const words = reportWords(report);
  const smoothness = graphTable(report);
  const blocks = [
    `## ${markdown(report.model.name)}: ${verdict(report)}`,
    ...(report.gate?.status === 'failed' ? [failures(report.gate)] : []),
    [...words.summary, `capacity: ${words.capacity}`].map((text) => `- ${markdown(text)}`).join('\n'),
    ...warnings(report),
    ...(report.sites.length > 0 ? [table(COLUMNS, report.sites.map(row))] : []),
    ...(smoothness
      ? [
          table(
            smoothness.columns,
            smoothness.rows.map((cells) => cells.map(markdown)),
          ),
          markdown(smoothness.legend),
        ]
      : []),
    [words.model, words.data, `dead: ${words.criterion}`, words.run].map(markdown).join('<br>\n'),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** Takes the meaning that a text has in Markdown or HTML, also within a table. */
function markdown(text: string): string {
  return printable(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|~#]/g, '\\$&');
}

function verdict({ gate, summary, data }: AuditReport): string {
  if (gate) return gate.status === 'passed' ? '✅ gate passed' : '❌ gate failed';
  const ratio = summary.deadRatio === null ? 'audited' : `${percent(summary.deadRatio)} of MLP neurons dead`;
  return data.complete ? ratio : `${ratio}, incomplete`;
}

function failures(gate: Gate): string {
  const failed = failedRules(gate);
  const title = `${counted(failed.length, 'failed check')} of ${number(gate.rules.length)}`;
  return table(
    [{ title, align: 'left' }],
    failed.map((rule) => [markdown(ruleWords(rule))]),
  );
}

function warnings(report: AuditReport): string[] {
  if (report.warnings.length === 0) return [];
  const lines = shownWarnings(report.warnings).map(
    ({ code, message }) => `> - ${code}: ${markdown(message)}`,
  );
  return [['> [!WARNING]', ...lines].join('\n')];
}

function row({ id, activation, neurons, dead, deadRatio, frequency, values }: SiteReport): string[] {
  return [
    markdown(id),
    markdown(activation ?? ''),
    number(neurons),
    number(dead),
    deadRatio !== null && dead > 0 ? `**${percent(deadRatio)}**` : percent(deadRatio),
    ...[frequency.p05, frequency.p50, frequency.p95].map(percent),
    sparkline(values).replaceAll(' ', '&nbsp;'),
  ];
}

/** A table of cells that are Markdown already. */
function table(columns: Pick<Column, 'title' | 'align'>[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map(line),
  ].join('\n');
}
