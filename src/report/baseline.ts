import { number } from './format.js';
import { criterionOf, recompute } from './recompute.js';
import type { AuditReport, GateRule, Warning } from './schema.js';
import { dataName } from './words.js';

/** Ratios are quotients of integers, so a difference this small is rounding. */
const ROUNDING = 1e-12;

/**
 * Judges the rise of each site's dead ratio since an older report, for each site id that both have. The old
 * dead sets are computed anew under the new criterion, so that like is compared with like.
 *
 * @param maxIncrease Ratio points.
 * @returns No rule if the reports have no site in common.
 * @throws UserError when the reports counted firing differently.
 */
export function compareBaseline(
  report: AuditReport,
  baseline: AuditReport,
  maxIncrease: number,
): { rules: GateRule[]; warnings: Warning[] } {
  const old = new Map(judgedSites(underCriterionOf(report, baseline)).map((site) => [site.id, site]));
  const warnings = differences(report, baseline);
  const rules: GateRule[] = [];
  for (const { id, deadRatio, neurons } of judgedSites(report)) {
    const before = old.get(id);
    if (!before) {
      warnings.push({ code: 'baseline-site-missing', message: `The baseline has no site ${id}.`, site: id });
      continue;
    }
    old.delete(id);
    if (before.neurons !== neurons) {
      const message = `${id} has ${number(neurons)} neurons, in the baseline ${number(before.neurons)}.`;
      warnings.push({ code: 'baseline-site-changed', message, site: id });
    }
    const value = deadRatio === null || before.deadRatio === null ? null : deadRatio - before.deadRatio;
    const failed = value === null || value > maxIncrease + ROUNDING;
    const rule = `${id}.dead_ratio - baseline > ${maxIncrease}`;
    rules.push({ rule, value, limit: maxIncrease, status: failed ? 'failed' : 'passed', site: id });
  }
  for (const id of old.keys()) {
    warnings.push({
      code: 'baseline-site-missing',
      message: `Only the baseline has the site ${id}.`,
      site: id,
    });
  }
  return { rules, warnings };
}

/** Returns the sites whose dead ratio may not rise: an output that rarely fires is no dead neuron. */
const judgedSites = ({ sites }: AuditReport) => sites.filter(({ site }) => site !== 'output');

/** Returns `old` with the dead sets that the criterion of `report` gives. */
export function underCriterionOf(report: AuditReport, old: AuditReport): AuditReport {
  const wanted = criterionOf(report);
  if (JSON.stringify(criterionOf(old)) === JSON.stringify(wanted)) return old;
  return recompute(old, wanted);
}

function differences(report: AuditReport, baseline: AuditReport): Warning[] {
  const code = 'baseline-differs';
  const warnings: Warning[] = [];
  if (!baseline.data.complete) {
    const seen = number(baseline.data.positions);
    warnings.push({
      code,
      message: `The baseline is incomplete: its run was stopped after ${seen} positions.`,
    });
  }
  const [before, after] = [dataName(baseline.data), dataName(report.data)];
  if (before !== after) {
    warnings.push({ code, message: `The baseline was audited on other data: ${before}, now ${after}.` });
  }
  return warnings;
}
