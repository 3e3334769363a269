import { counted, printable } from './format.js';
import type { AuditReport } from './schema.js';
import { shownWarnings } from './warnings.js';
import { reportWords, ruleWords } from './words.js';

/** GitHub shows so many annotations of a kind per step and drops the others. */
const SHOWN_ANNOTATIONS = 10;

/**
 * Workflow commands that GitHub shows as annotations: an error per failed rule, a warning per warning, and a notice
 * with the summary.
 */
export function renderGitHub(report: AuditReport): string {
  const { gate, model } = report;
  const failed = gate?.rules.filter(({ status }) => status === 'failed') ?? [];
  const errors = failed.map((rule) =>
    annotation(
      'error',
      `${model.name}: gate failed${rule.site === null ? '' : ` at ${rule.site}`}`,
      ruleWords(rule),
    ),
  );
  const warnings = shownWarnings(report.warnings).map(({ code, message }) =>
    annotation('warning', `${model.name}: ${code}`, message),
  );
  const title = gate ? `${model.name}: gate ${gate.status}` : model.name;
  const { summary, capacity } = reportWords(report);
  const notice = annotation('notice', title, [...summary, `capacity: ${capacity}`].join('\n'));
  const lines = [
    ...limited('error', errors, model.name),
    ...limited('warning', warnings, model.name),
    notice,
  ];
  return `${lines.join('\n')}\n`;
}

type Level = 'error' | 'warning' | 'notice';

/** `::error title=…::message`, escaped so that no text can begin a command of its own. */
function annotation(level: Level, title: string, message: string): string {
  const property = data(printable(title)).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::${level} title=${property}::${data(message.split('\n').map(printable).join('\n'))}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function limited(level: Level, lines: string[], name: string): string[] {
  if (lines.length <= SHOWN_ANNOTATIONS) return lines;
  const shown = lines.slice(0, SHOWN_ANNOTATIONS - 1);
  const message = `… and ${counted(lines.length - shown.length, `more ${level}`)}; the report has them all.`;
  return [...shown, annotation(level, name, message)];
}
