import { UserError } from '../errors.js';
import { compareBaseline } from './baseline.js';
import { fieldValue, isSiteName, selectSites } from './fields.js';
import { elide } from './format.js';
import { GRAPH_FIELDS, type GraphField, isGraphField } from './graph-fields.js';
import { type Aggregate, holds, parseRule, type Rule } from './rules.js';
import type { AuditReport, Gate, GateRule, GraphReport, SiteReport, Warning } from './schema.js';
import { WEAKENING_WARNINGS } from './warnings.js';

export interface GateOptions {
  /** No site's dead ratio may be above this. */
  maxDeadRatio?: number;
  /** An older report; no site's dead ratio may have risen by more than `maxIncrease` (ratio points, default 0). */
  baseline?: AuditReport;
  maxIncrease?: number;
  /** Warnings that weaken the verdict fail the gate. */
  strict?: boolean;
}

export interface Verdict {
  gate: Gate;
  /** What was met while judging, e.g. sites that the baseline lacks. */
  warnings: Warning[];
}

/** Whether the options ask for a verdict at all. */
export function wantsGate(rules: string[], { maxDeadRatio, baseline, strict }: GateOptions): boolean {
  return rules.length > 0 || maxDeadRatio !== undefined || baseline !== undefined || strict === true;
}

/**
 * Applies rules to a report. A rule that holds fails the gate, and so does one whose value is unknown (`null`).
 *
 * @param rules In the grammar of `report/rules.ts`.
 * @throws UserError when a rule cannot be read or means no site of the report, when options contradict each other,
 *   and when the report is incomplete: gates are not evaluated on it.
 */
export function evaluateGate(report: AuditReport, rules: string[], options: GateOptions = {}): Verdict {
  const parsed = [...rules, ...shorthands(options)].map(parseRule);
  if (!report.data.complete) {
    throw new UserError(
      `The report of ${report.model.name} is incomplete (the run was stopped after ` +
        `${report.data.positions.toLocaleString('en-US')} positions), and gates are not evaluated on it: ` +
        'let the audit run to its end, e.g. with --resume.',
      'incomplete-report',
    );
  }
  const judged = parsed.flatMap((rule) => applyRule(report, rule));
  const compared = options.baseline
    ? compareBaseline(report, options.baseline, options.maxIncrease ?? 0)
    : { rules: [], warnings: [] };
  const all = [...judged, ...compared.rules];
  if (options.strict) all.push(...strictRules([...report.warnings, ...compared.warnings]));
  const status = all.some((rule) => rule.status === 'failed') ? 'failed' : 'passed';
  return { gate: { status, rules: all }, warnings: compared.warnings };
}

/** The report with its verdict, and the warnings that came up. */
export function withGate(report: AuditReport, rules: string[], options: GateOptions = {}): AuditReport {
  const { gate, warnings } = evaluateGate(report, rules, options);
  const known = new Set(report.warnings.map((warning) => JSON.stringify(warning)));
  const fresh = warnings.filter((warning) => !known.has(JSON.stringify(warning)));
  return { ...report, warnings: [...report.warnings, ...fresh], gate };
}

/**
 * Checks rules and options without a report, so that a mistake shows before a long run.
 *
 * @param options `baseline` may be the path of a report that is not read yet.
 * @throws UserError as `evaluateGate` does for rules that cannot be read.
 */
export function checkRules(
  rules: string[],
  options: Omit<GateOptions, 'baseline'> & { baseline?: unknown } = {},
) {
  for (const rule of [...rules, ...shorthands(options)]) parseRule(rule);
}

/** Options as rules, checked. */
function shorthands({
  maxDeadRatio,
  maxIncrease,
  baseline,
}: Parameters<typeof checkRules>[1] & object): string[] {
  for (const [flag, value] of [
    ['--max-dead-ratio', maxDeadRatio],
    ['--max-increase', maxIncrease],
  ] as const) {
    if (value !== undefined && !(value >= 0 && value <= 1)) {
      throw new UserError(`Expected ${flag} to be a ratio in [0, 1], got \`${value}\`.`, 'bad-limit');
    }
  }
  if (maxIncrease !== undefined && baseline === undefined) {
    throw new UserError('--max-increase needs --baseline OLD.json to compare with.', 'missing-baseline');
  }
  return maxDeadRatio === undefined ? [] : [`*.mlp_post.dead_ratio > ${maxDeadRatio}`];
}

/** One entry per site that the rule is about; one for an aggregate or a site name alone. */
function applyRule(report: AuditReport, rule: Rule): GateRule[] {
  const { aggregate, selector, field } = rule;
  if (isGraphField(field)) return applyGraphRule(report, { ...rule, field });
  const sites = selectSites(report.sites, selector);
  if (sites.length === 0) throw noSite(report, rule);
  const of = (site: SiteReport): number | null => fieldValue([site], field);
  if (aggregate) return [judged(rule, aggregated(sites, aggregate, of))];
  if (isSiteName(selector)) return [judged(rule, { site: selector, value: fieldValue(sites, field) })];
  return sites.map((site) => judged(rule, { site: site.id, value: of(site) }));
}

/** The verdict on what was found; an unknown value fails. */
function judged({ text, comparison, limit }: Rule, { site, value }: Found): GateRule {
  const failed = value === null || holds(value, comparison, limit);
  return { rule: text, value, limit, status: failed ? 'failed' : 'passed', site };
}

interface Found {
  site: string | null;
  value: number | null;
}

/**
 * A rule about over-smoothing: there is no such measure of all layers taken together, so a site name alone is about each
 * layer. Sites without an embedding of the nodes (`mlp_pre`) are left out.
 */
function applyGraphRule(report: AuditReport, rule: Rule & { field: GraphField }): GateRule[] {
  const { text, aggregate, selector, field } = rule;
  const graph = report.graph ?? [];
  const measured = selectSites(graph, selector);
  if (measured.length === 0) {
    if (selectSites(report.sites, selector).length === 0) throw noSite(report, rule);
    throw new UserError(
      `The rule \`${text}\` is about over-smoothing, which was measured ${graph.length === 0 ? 'nowhere: the data is no graph' : `only at ${graph.map(({ id }) => id).join(', ')}`}.`,
      'rule-without-site',
    );
  }
  const of = (entry: GraphReport): number | null => entry[GRAPH_FIELDS[field]];
  const found = aggregate
    ? [aggregated(measured, aggregate, of)]
    : measured.map((entry) => ({ site: entry.id, value: of(entry) }));
  return found.map((each) => judged(rule, each));
}

/** The aggregate over sites, and the site where it is reached. Unknown where it is unknown at one of them. */
function aggregated<S extends { id: string }>(
  sites: S[],
  aggregate: Aggregate,
  of: (site: S) => number | null,
): Found {
  const values = sites.map((site) => ({ site: site.id, value: of(site) }));
  const unknown = values.find(({ value }) => value === null);
  if (unknown) return unknown;
  if (aggregate === 'mean') {
    return { site: null, value: values.reduce((sum, { value }) => sum + value!, 0) / values.length };
  }
  const sign = aggregate === 'max' ? 1 : -1;
  return values.reduce((best, next) => (sign * next.value! > sign * best.value! ? next : best));
}

function strictRules(warnings: Warning[]): GateRule[] {
  return warnings
    .filter(({ code }) => WEAKENING_WARNINGS.includes(code))
    .map(({ code, site }) => ({
      rule: `--strict: ${code}`,
      value: null,
      limit: null,
      status: 'failed',
      site: site ?? null,
    }));
}

function noSite(report: AuditReport, { text, selector, field }: Rule): UserError {
  const ids = (isGraphField(field) && report.graph ? report.graph : report.sites).map(({ id }) => id);
  const some = ids.length > 6 ? [...ids.slice(0, 5), `… (${ids.length} in all)`] : ids;
  return new UserError(
    `The rule \`${text}\` is about no site: \`${selector}\` matches none of ` +
      `${elide(report.model.name, 60)}'s ${some.length === 0 ? 'sites (it has none)' : some.join(', ')}.`,
    'rule-without-site',
  );
}
