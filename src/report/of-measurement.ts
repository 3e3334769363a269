import { tool } from '../files/package.js';
import type { ModelFacts } from '../measure/describe-model.js';
import type { Measurement, RunFacts } from '../measure/measurement.js';
import { finishReport, type ReportParts, siteMeta, siteReport } from './build.js';
import type { AuditReport } from './schema.js';

/** Facts that a report needs besides the measurement. */
export interface ReportFacts {
  model: ModelFacts;
  /** Seconds of the whole command; default: those of the run. */
  durationSeconds?: number;
  /** Warnings that came up besides the measurement's. */
  warnings?: AuditReport['warnings'];
  lineage?: AuditReport['lineage'];
}

/** Writes the report of a measurement: here counters are encoded, and everything derived is computed. */
export function reportOf(
  measurement: Measurement,
  { model, durationSeconds, warnings, lineage }: ReportFacts,
): AuditReport {
  const { sites, counters, criterion, data, census, run, smoothing } = measurement;
  return finishReport({
    tool,
    model,
    ...(lineage && { lineage }),
    warnings: [...measurement.warnings, ...(warnings ?? [])],
    criterion,
    census,
    data,
    runtime: runtimeOf(run, durationSeconds),
    sites: sites.map((site, i) => siteReport(siteMeta(site), counters[i]!, criterion)),
    ...(smoothing && { graph: smoothing }),
    aliveShares: aliveShares(measurement),
  });
}

/** Writes the facts of a run as the `runtime` section of a report. */
export function runtimeOf(
  { seconds, device, provider, onnxruntime, positionsPerSecond, peakRssBytes }: RunFacts,
  durationSeconds = seconds,
): AuditReport['runtime'] {
  return { device, provider, onnxruntime, durationSeconds, positionsPerSecond, peakRssBytes };
}

/** Returns the share of data points alive by layer, where it is known: in a rectifier network. */
function aliveShares({ sites, counters }: Measurement): NonNullable<ReportParts['aliveShares']> {
  return sites.flatMap(({ stack, layer }, i) => {
    const { livingPoints } = counters[i]!;
    return livingPoints && livingPoints.points > 0
      ? [{ stack, layer, aliveShare: livingPoints.alive / livingPoints.points }]
      : [];
  });
}
