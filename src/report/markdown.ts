import { counted, number, percent, printable } from './format.js';
import { graphTable } from './graph-table.js';
import type { AuditReport, Gate, SiteReport } from './schema.js';
import { sparkline } from './sparkline.js';
import { shownWarnings } from './warnings.js';
import { reportWords, ruleWords } from './words.js';

/** The report as Markdown, e.g. for a GitHub step summary. Ends with a newline. */
export function renderMarkdown(report: AuditReport): string {
  const words = reportWords(report);
  const blocks = [
    `## ${markdown(report.model.name)}: ${verdict(report)}`,
    ...(report.gate?.status === 'failed' ? [failures(report.gate)] : []),
    [...words.summary, `capacity: ${words.capacity}`].map((text) => `- ${markdown(text)}`).join('\n'),
    ...warnings(report),
    ...(report.sites.length > 0 ? [table(report.sites)] : []),
    ...smoothness(report),
    [words.model, words.data, `dead: ${words.criterion}`, words.run].map(markdown).join('<br>\n'),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** Text without a meaning in Markdown or HTML, also within a table. */
export function markdown(text: string): string {
  return printable(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|~#]/g, '\\$&');
}

function verdict({ gate, summary, data }: AuditReport): string {
  if (gate) return gate.status === 'passed' ? '✅ gate passed' : '❌ gate failed';
  const incomplete = data.complete ? '' : ', incomplete';
  return `${summary.deadRatio === null ? 'audited' : `${percent(summary.deadRatio)} of MLP neurons dead`}${incomplete}`;
}

function failures({ rules }: Gate): string {
  const failed = rules.filter(({ status }) => status === 'failed');
  const lines = failed.map((rule) => `| ${markdown(ruleWords(rule))} |`);
  return [
    `| ${counted(failed.length, 'failed check')} of ${number(rules.length)} |`,
    '| --- |',
    ...lines,
  ].join('\n');
}

function warnings(report: AuditReport): string[] {
  if (report.warnings.length === 0) return [];
  const lines = shownWarnings(report.warnings).map(
    ({ code, message }) => `> - ${code}: ${markdown(message)}`,
  );
  return [['> [!WARNING]', ...lines].join('\n')];
}

function table(sites: SiteReport[]): string {
  const header = '| site | activation | neurons | dead | ratio | fires p5 | p50 | p95 | values |';
  const rows = sites.map((site) => {
    const { id, activation, neurons, dead, deadRatio, frequency } = site;
    const share = deadRatio !== null && dead > 0 ? `**${percent(deadRatio)}**` : percent(deadRatio);
    const cells = [
      markdown(id),
      markdown(activation ?? ''),
      number(neurons),
      number(dead),
      share,
      ...[frequency.p05, frequency.p50, frequency.p95].map(percent),
      sparkline(site.values).replaceAll(' ', '&nbsp;'),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [header, '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |', ...rows].join('\n');
}

function smoothness(report: AuditReport): string[] {
  const found = graphTable(report);
  if (!found) return [];
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [
    line(found.columns.map(({ title }) => title)),
    line(found.columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...found.rows.map((cells) => line(cells.map(markdown))),
  ];
  return [lines.join('\n'), markdown(found.legend)];
}
