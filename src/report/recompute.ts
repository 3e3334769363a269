import { UserError } from '../errors.js';
import { decodeCounters } from '../stats/encoding.js';
import type { Counters, Criterion } from '../stats/types.js';
import { finishReport, type ReportParts, siteReport } from './build.js';
import type { AuditReport, SiteReport } from './schema.js';
import { DERIVED_WARNINGS } from './warnings.js';

/**
 * Computes everything that a report derives from its counters anew, under the criterion if there is one. The
 * verdict of a gate is left out, since it judged the old numbers.
 *
 * @throws UserError for another `firing` or `threshold`: the counters were counted under those of the report.
 */
export function recompute(report: AuditReport, criterion: Partial<Criterion> = {}): AuditReport {
  const wanted: Criterion = { ...criterionOf(report), ...criterion };
  const { firing, threshold } = report.criterion;
  if (wanted.firing !== firing || wanted.threshold !== threshold) {
    throw new UserError(
      `The report counted firing as ${firing} with threshold ${threshold}; ` +
        `for ${wanted.firing} with ${wanted.threshold} audit the model again.`,
      'other-criterion',
    );
  }
  const sites = report.sites.map((site) => siteReport(site, siteCounters(site), wanted));
  return finishReport({ ...partsOf(report), criterion: wanted, sites });
}

/** Returns the parts of a report that are not derived, ready for `finishReport`. */
export function partsOf(report: AuditReport): ReportParts {
  const { tool, createdAt, model, data, runtime, sites, lineage, graph, layers, summary } = report;
  return {
    tool,
    createdAt,
    model,
    data,
    runtime,
    sites,
    ...(lineage && { lineage }),
    ...(graph && { graph }),
    warnings: report.warnings.filter(({ code }) => !(DERIVED_WARNINGS as readonly string[]).includes(code)),
    criterion: criterionOf(report),
    census: report.criterion.resolution === null && sites.some(({ positions }) => positions > 0),
    pruned: summary.capacity.pruned,
    aliveShares: layers.filter(({ aliveShare }) => aliveShare !== undefined),
  };
}

/** Decodes the counters of a report's site. */
export function siteCounters(site: SiteReport): Counters {
  const { id, neurons, positions, values, perNeuron } = site;
  const { histogram, scale, zeroPoint } = values;
  const bins =
    histogram && scale !== null && zeroPoint !== null
      ? { scale, zeroPoint, counts: Float64Array.from(histogram.counts) }
      : null;
  return decodeCounters(perNeuron, neurons, { positions, histogram: bins }, id);
}

export function criterionOf({ criterion }: Pick<AuditReport, 'criterion'>): Criterion {
  const { firing, threshold, dead, deadBelow } = criterion;
  return { firing, threshold, dead, deadBelow };
}
