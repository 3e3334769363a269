import type { DiffReport } from './diff-schema.js';
import { totals } from './diff-table.js';
import { counted, number, percent, printable } from './format.js';
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

/**
 * The same for a difference: a warning per site at which neurons died, and per warning, and a notice with the summary. Nothing
 * in it fails a build: that is what a gate's `--baseline` is for.
 */
export function renderGitHubDiff(diff: DiffReport): string {
  const name = diff.new.model;
  const died = diff.sites.filter(({ newlyDead }) => newlyDead && newlyDead.length > 0);
  const sites = died.map(({ id, newlyDead, dead, neurons, deadRatio }) => {
    const now = `${number(dead.new)} of ${counted(neurons.new, 'neuron')} dead (${percent(deadRatio.new)})`;
    const text = `${now}, before ${number(dead.old)} (${percent(deadRatio.old)}); newly dead: ${indices(newlyDead!)}`;
    return annotation('warning', `${name}: ${id}: ${number(newlyDead!.length)} newly dead`, text);
  });
  const warnings = shownWarnings(diff.warnings).map(({ code, message }) =>
    annotation('warning', `${name}: ${code}`, message),
  );
  const lines = [
    ...limited('warning', [...sites, ...warnings], name),
    annotation('notice', name, totals(diff)),
  ];
  return `${lines.join('\n')}\n`;
}

/** Indices that one annotation lists. */
const SHOWN_INDICES = 20;

function indices(neurons: number[]): string {
  const more = neurons.length - SHOWN_INDICES;
  return `${neurons.slice(0, SHOWN_INDICES).join(', ')}${more > 0 ? ` and ${number(more)} more` : ''}`;
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
