import type { DiffReport } from './diff-schema.js';
import { totals } from './diff-table.js';
import { counted, number, percent, printable } from './format.js';
import { failedRules } from './layout.js';
import type { AuditReport, Warning } from './schema.js';
import { shownWarnings } from './warnings.js';
import { indexList, reportWords, ruleWords } from './words.js';

/** Annotations of a kind that GitHub shows for a step; it drops the others. */
const SHOWN_ANNOTATIONS = 10;

/**
 * Renders an audit report as workflow commands, which GitHub shows as annotations: an error for each failed
 * rule, a warning for each warning, and a notice with the summary.
 */
export function renderGitHub(report: AuditReport): string {
  const { gate, model } = report;
  const errors = failedRules(gate).map((rule) =>
    annotation(
      'error',
      `${model.name}: gate failed${rule.site === null ? '' : ` at ${rule.site}`}`,
      ruleWords(rule),
    ),
  );
  const title = gate ? `${model.name}: gate ${gate.status}` : model.name;
  const { summary, capacity } = reportWords(report);
  return text([
    ...limited('error', errors, model.name),
    ...limited('warning', warningsOf(report.warnings, model.name), model.name),
    annotation('notice', title, [...summary, `capacity: ${capacity}`].join('\n')),
  ]);
}

/**
 * Renders a difference: a warning for each site at which neurons died, and for each warning, and a notice
 * with the summary. Nothing in it fails a build: that is what a gate with a baseline is for.
 */
export function renderGitHubDiff(diff: DiffReport): string {
  const name = diff.new.model;
  const died = diff.sites.flatMap(({ id, newlyDead, dead, neurons, deadRatio }) => {
    if (newlyDead === null || newlyDead.length === 0) return [];
    const after = `${number(dead.new)} of ${counted(neurons.new, 'neuron')} dead (${percent(deadRatio.new)})`;
    const before = `before ${number(dead.old)} (${percent(deadRatio.old)})`;
    return annotation(
      'warning',
      `${name}: ${id}: ${number(newlyDead.length)} newly dead`,
      `${after}, ${before}; newly dead: ${indexList(newlyDead, undefined, ', ')}`,
    );
  });
  return text([
    ...limited('warning', [...died, ...warningsOf(diff.warnings, name)], name),
    annotation('notice', name, totals(diff)),
  ]);
}

type Level = 'error' | 'warning' | 'notice';

function warningsOf(warnings: Warning[], name: string): string[] {
  return shownWarnings(warnings).map(({ code, message }) =>
    annotation('warning', `${name}: ${code}`, message),
  );
}

/** `::error title=…::message`, escaped so that no text can begin a command of its own. */
function annotation(level: Level, title: string, message: string): string {
  const property = escaped(printable(title)).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::${level} title=${property}::${escaped(message.split('\n').map(printable).join('\n'))}`;
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function limited(level: Level, lines: string[], name: string): string[] {
  if (lines.length <= SHOWN_ANNOTATIONS) return lines;
  const shown = lines.slice(0, SHOWN_ANNOTATIONS - 1);
  const message = `… and ${counted(lines.length - shown.length, `more ${level}`)}; the report has them all.`;
  return [...shown, annotation(level, name, message)];
}

const text = (lines: string[]): string => `${lines.join('\n')}\n`;
