import { FLAGS } from '../../stats/flags.js';
import type { AuditExtract, SiteLocation } from './extract.js';
import { FREQUENCY_BOUNDS, type MetricName, RESULTS, type Result, VALUE_BOUNDS } from './names.js';
import type { SiteTotals, Totals } from './totals.js';

/** One line of the exposition. `suffix` is what a histogram's lines add to the name. */
export interface Sample {
  metric: MetricName;
  labels: Record<string, string>;
  value: number;
  suffix?: '_bucket' | '_sum' | '_count';
}

/** The state of one model, from which its series are made. */
export interface ModelHealth {
  model: string;
  /** Last successful audit; `null` before the first. */
  latest: AuditExtract | null;
  totals: Totals;
  /** Number of audits by the way they ended. */
  audits: Record<Result, number>;
  lastAuditSuccess: boolean | null;
  /**
   * Sites that are known before the first audit ends. Their counters start at 0, so that `rate()` sees them
   * rise.
   */
  expectedSites?: SiteLocation[];
}

const NONE: SiteTotals = {
  nonFiniteValues: 0,
  frequency: { counts: [], sum: 0 },
  values: { counts: [] },
};

/** Makes the series of one model. A value that is not known has no series. */
export function modelSamples(health: ModelHealth, { histograms = true } = {}): Sample[] {
  const { model, latest, totals, audits, lastAuditSuccess } = health;
  const samples: Sample[] = [];
  const add = (metric: MetricName, value: number | null, labels: Record<string, string> = {}) => {
    if (value !== null) samples.push({ metric, labels: { model, ...labels }, value });
  };
  for (const result of RESULTS) add('audits_total', audits[result], { result });
  add('last_audit_success', lastAuditSuccess === null ? null : Number(lastAuditSuccess));
  add('positions_total', totals.positions);
  for (const site of latest?.sites ?? health.expectedSites ?? []) {
    const labels = siteLabels(site);
    const sums = totals.sites[site.id] ?? NONE;
    add('non_finite_values_total', sums.nonFiniteValues, labels);
    if (histograms) samples.push(...histogramSamples(sums, { model, ...labels }));
  }
  if (latest) samples.push(...latestSamples(latest));
  return samples;
}

function latestSamples(latest: AuditExtract): Sample[] {
  const { model } = latest;
  const samples: Sample[] = [];
  const add = (metric: MetricName, value: number | null, labels: Record<string, string> = {}) => {
    if (value !== null) samples.push({ metric, labels: { model, ...labels }, value });
  };
  add('audit_duration_seconds', latest.durationSeconds);
  add('positions_per_second', latest.positionsPerSecond);
  add('last_success_timestamp_seconds', Date.parse(latest.createdAt) / 1000);
  add('resolution_ratio', latest.resolution);
  add('capacity_ratio', latest.capacityRatio);
  add('checkpoint_step', latest.step);
  const { architecture, data, criterion } = latest;
  add('model_info', 1, { architecture, data, criterion });
  for (const { rule, passed } of latest.gate?.rules ?? []) add('gate_status', Number(passed), { rule });
  for (const layer of latest.graph) {
    add('dirichlet_energy', layer.dirichletEnergy, siteLabels(layer));
    add('distance_to_mean', layer.distanceToMean, siteLabels(layer));
    add('effective_rank', layer.effectiveRank, siteLabels(layer));
    // The extract of a report that an older version made may lack these.
    add(
      'degree_normalised_dirichlet_energy',
      layer.degreeNormalisedDirichletEnergy ?? null,
      siteLabels(layer),
    );
    add('mean_average_distance', layer.meanAverageDistance ?? null, siteLabels(layer));
    add('zero_output_ratio', layer.zeroShare ?? null, siteLabels(layer));
  }
  for (const site of latest.sites) {
    const labels = siteLabels(site);
    add('neurons', site.neurons, labels);
    add('dead_neurons', site.dead, labels);
    add('dead_ratio', site.deadRatio, labels);
    add('newly_dead_neurons', site.newlyDead, labels);
    add('revived_neurons', site.revived, labels);
    for (const flag of FLAGS) add('flagged_neurons', site.flags[flag], { ...labels, flag });
  }
  return samples;
}

function siteLabels({ stack, layer, site, part }: SiteLocation) {
  return { stack, layer: String(layer), site, part };
}

/**
 * Makes cumulative buckets. Values have no sum: OpenMetrics forbids one beside negative bounds, since it
 * could fall.
 */
function histogramSamples({ frequency, values }: SiteTotals, labels: Record<string, string>): Sample[] {
  const { lines, count } = buckets('activation_frequency_ratio', frequency.counts, FREQUENCY_BOUNDS, labels);
  return [
    ...lines,
    { metric: 'activation_frequency_ratio', suffix: '_sum', labels, value: frequency.sum },
    { metric: 'activation_frequency_ratio', suffix: '_count', labels, value: count },
    ...buckets('activation_value', values.counts, VALUE_BOUNDS, labels).lines,
  ];
}

function buckets(
  metric: MetricName,
  counts: readonly number[],
  bounds: readonly number[],
  labels: Record<string, string>,
): { lines: Sample[]; count: number } {
  let count = 0;
  const lines = [...bounds.map(String), '+Inf'].map((le, i): Sample => {
    count += counts[i] ?? 0;
    return { metric, suffix: '_bucket', labels: { ...labels, le }, value: count };
  });
  return { lines, count };
}
