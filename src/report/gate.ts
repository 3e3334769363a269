import { UserError } from '../errors.js';
import { gateSettings } from '../settings/output-settings.js';
import { checkSettings } from '../settings/settings.js';
import { type Selectable, sitesMatching } from '../sites/selector.js';
import { compareBaseline } from './baseline.js';
import { type Field, fieldValue, isSiteName } from './fields.js';
import { elide } from './format.js';
import { GRAPH_FIELDS, isGraphField } from './graph-fields.js';
import { type Aggregate, holds, parseRule, type Rule } from './rules.js';
import type { AuditReport, Gate, GateRule, Warning } from './schema.js';
import { WEAKENING_WARNINGS } from './warnings.js';

export interface GateOptions {
  /** No site's dead ratio may be above this. */
  maxDeadRatio?: number;
  /**
   * An older report; no site's dead ratio may have risen by more than `maxIncrease` (ratio points, default
   * 0).
   */
  baseline?: AuditReport;
  maxIncrease?: number;
  /** Warnings that weaken the verdict fail the gate. */
  strict?: boolean;
  /**
   * True if the rules were written for several models, of which this is one: a rule that selects no site of
   * it is a warning. For one model alone it is an error, since a mistyped rule must not pass.
   */
  severalModels?: boolean;
}

export interface Verdict {
  gate: Gate;
  /** Warnings that came up while judging, e.g. of sites that the baseline lacks. */
  warnings: Warning[];
}

/** Returns true if the rules and options ask for a verdict at all. */
export function wantsGate(rules: string[], { maxDeadRatio, baseline, strict }: GateOptions): boolean {
  return rules.length > 0 || maxDeadRatio !== undefined || baseline !== undefined || strict === true;
}

/**
 * Applies rules to a report. A rule that holds fails the gate, and so does one whose value is unknown
 * (`null`).
 *
 * @param rules In the grammar of `report/rules.ts`.
 * @throws UserError when a rule cannot be read or selects no site of the report, when options contradict each
 *   other, and when the report is incomplete: gates are not evaluated on it.
 */
export function evaluateGate(report: AuditReport, rules: string[], options: GateOptions = {}): Verdict {
  const parsed = checkRules(rules, options);
  if (!report.data.complete) throw incomplete(report);
  const warnings: Warning[] = [];
  const withoutSite = (error: UserError): void => {
    if (!options.severalModels) throw error;
    warnings.push({ code: error.code, message: error.message });
  };
  const verdicts = parsed.flatMap((rule) => {
    const ofRule = applyRule(report, rule);
    if (ofRule.length === 0) withoutSite(noSite(report, rule));
    return ofRule;
  });
  if (options.baseline) {
    const compared = compareBaseline(report, options.baseline, options.maxIncrease ?? 0);
    if (compared.rules.length === 0) withoutSite(noCommonSite(report, options.baseline));
    verdicts.push(...compared.rules);
    warnings.push(...compared.warnings);
  }
  if (options.strict) verdicts.push(...strictRules([...report.warnings, ...warnings]));
  const status = verdicts.some((rule) => rule.status === 'failed') ? 'failed' : 'passed';
  return { gate: { status, rules: verdicts }, warnings };
}

/** Returns the report with its verdict, and with the warnings that came up. */
export function withGate(report: AuditReport, rules: string[], options: GateOptions = {}): AuditReport {
  const { gate, warnings } = evaluateGate(report, rules, options);
  const known = new Set(report.warnings.map((warning) => JSON.stringify(warning)));
  const fresh = warnings.filter((warning) => !known.has(JSON.stringify(warning)));
  return { ...report, warnings: [...report.warnings, ...fresh], gate };
}

/**
 * Reads the rules, those that options are short for included. No report is needed, so that a mistake shows
 * before a long run.
 *
 * @param options `baseline` may be the path of a report that is not read yet.
 * @throws UserError for a rule that cannot be read, and for options that contradict each other.
 */
export function checkRules(
  rules: string[],
  options: Omit<GateOptions, 'baseline'> & { baseline?: unknown } = {},
): Rule[] {
  const { maxDeadRatio, maxIncrease, baseline } = options;
  checkSettings(gateSettings, { maxDeadRatio, maxIncrease });
  if (maxIncrease !== undefined && baseline === undefined) {
    throw new UserError('`maxIncrease` needs a `baseline` to compare with.', 'missing-baseline', {
      settings: ['maxIncrease', 'baseline'],
    });
  }
  const shorthand = maxDeadRatio === undefined ? [] : [`*.mlp_post.dead_ratio > ${maxDeadRatio}`];
  return [...rules, ...shorthand].map(parseRule);
}

/**
 * Judges by one rule: a verdict for each site that it selects, or one for all of them under an aggregate, or
 * for a site name alone. Over-smoothing is measured layer by layer, so a site name alone selects each layer
 * there.
 */
function applyRule(report: AuditReport, rule: Rule): GateRule[] {
  const { selector, field } = rule;
  if (isGraphField(field)) {
    return judge(rule, sitesMatching(report.graph ?? [], selector), (layer) => layer[GRAPH_FIELDS[field]]);
  }
  const sites = sitesMatching(report.sites, selector);
  if (sites.length > 0 && isSiteName(selector) && !rule.aggregate) {
    return [verdict(rule, { site: selector, value: fieldValue(sites, field as Field) })];
  }
  return judge(rule, sites, (site) => fieldValue([site], field as Field));
}

function judge<S extends Selectable>(
  rule: Rule,
  sites: S[],
  valueAt: (site: S) => number | null,
): GateRule[] {
  const values = sites.map((site) => ({ site: site.id, value: valueAt(site) }));
  if (rule.aggregate && values.length > 0) return [verdict(rule, aggregated(values, rule.aggregate))];
  return values.map((value) => verdict(rule, value));
}

interface SiteValue {
  site: string | null;
  value: number | null;
}

/** The verdict on a value; an unknown one fails. */
function verdict({ text, comparison, limit }: Rule, { site, value }: SiteValue): GateRule {
  const failed = value === null || holds(value, comparison, limit);
  return { rule: text, value, limit, status: failed ? 'failed' : 'passed', site };
}

/** The aggregate over sites, and the site where it is reached. It is unknown if the value of any site is. */
function aggregated(values: SiteValue[], aggregate: Aggregate): SiteValue {
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
      rule: `strict: ${code}`,
      value: null,
      limit: null,
      status: 'failed',
      site: site ?? null,
    }));
}

function incomplete({ model, data }: AuditReport): UserError {
  const positions = data.positions.toLocaleString('en-US');
  return new UserError(
    `The report of ${model.name} is incomplete (the run was stopped after ${positions} positions), and gates are ` +
      'not evaluated on it: let the audit run to its end, e.g. with `resume`.',
    'incomplete-report',
    { settings: ['resume'] },
  );
}

/** Ids that an error lists. */
const SHOWN_IDS = 6;

function noSite(report: AuditReport, { text, selector, field }: Rule): UserError {
  const graph = report.graph ?? [];
  const isElsewhere = isGraphField(field) && sitesMatching(report.sites, selector).length > 0;
  const ids = (isGraphField(field) && graph.length > 0 ? graph : report.sites).map(({ id }) => id);
  const some = ids.length > SHOWN_IDS ? [...ids.slice(0, SHOWN_IDS - 1), `… (${ids.length} in all)`] : ids;
  const found = some.length === 0 ? 'sites (it has none)' : some.join(', ');
  const name = elide(report.model.name, 60);
  const message = isElsewhere
    ? `The rule \`${text}\` is about over-smoothing, which was measured ${graph.length === 0 ? 'nowhere: the data is no graph' : `only at ${found}`}.`
    : `The rule \`${text}\` selects no site: \`${selector}\` matches none of ${name}'s ${found}.`;
  return new UserError(message, 'rule-without-site');
}

function noCommonSite(report: AuditReport, baseline: AuditReport): UserError {
  return new UserError(
    `The baseline (${baseline.model.name}) and the report (${report.model.name}) have no site in common.`,
    'baseline-without-site',
  );
}
