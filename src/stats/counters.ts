import { mergeLivingPoints } from './living-points.js';
import type { Counters } from './types.js';
import { copyHistogram, HISTOGRAM_BINS, type HistogramRange, mergeHistograms } from './value-histogram.js';

/** Names of the counters that add up in a merge, each [neurons]. */
export const ADDITIVE = [
  'fired',
  'positive',
  'saturated',
  'nonFinite',
  'sum',
  'sumAbs',
  'sumSquares',
] as const;

export interface EmptyOptions {
  /** Position of the bins of the value histogram (see `histogramRange`); without it none is collected. */
  histogram?: HistogramRange | null;
}

/**
 * Returns counters that have seen nothing: the identity of `mergeCounters`. `min` is +Inf and `max` −Inf for
 * every neuron.
 */
export function emptyCounters(neurons: number, { histogram = null }: EmptyOptions = {}): Counters {
  return {
    positions: 0,
    fired: new Float64Array(neurons),
    positive: new Float64Array(neurons),
    saturated: new Float64Array(neurons),
    nonFinite: new Float64Array(neurons),
    sum: new Float64Array(neurons),
    sumAbs: new Float64Array(neurons),
    sumSquares: new Float64Array(neurons),
    min: new Float32Array(neurons).fill(Number.POSITIVE_INFINITY),
    max: new Float32Array(neurons).fill(Number.NEGATIVE_INFINITY),
    histogram: histogram && {
      scale: histogram.scale,
      zeroPoint: histogram.zeroPoint,
      counts: new Float64Array(HISTOGRAM_BINS),
    },
  };
}

/**
 * Returns the counters of `a` and `b` together. Neither is touched, and nothing is shared with them.
 * O(neurons).
 *
 * Merge rule: positions, counts and sums add (counts exact below 2^53, sums in double precision); min and max
 * are the smaller and the larger; histograms with equal bins add, others are lost (`null`, see
 * `histogramsAgree`). The rule has an identity, is commutative and associative: exactly, but for the sums,
 * which round as doubles do.
 *
 * @throws Error if the two have different numbers of neurons.
 */
export function mergeCounters(a: Counters, b: Counters): Counters {
  const merged = copyCounters(a);
  accumulate(merged, b);
  return merged;
}

/**
 * Adds `batch` to `into` in place: the same arithmetic as `mergeCounters`, without copies, for the batches of
 * an audit.
 *
 * @throws Error if the two have different numbers of neurons.
 */
export function accumulate(into: Counters, batch: Counters): void {
  const neurons = neuronsOf(into);
  if (neuronsOf(batch) !== neurons) {
    throw new Error(`Counters of ${neuronsOf(batch)} neurons cannot be added to counters of ${neurons}`);
  }
  into.histogram = mergeHistograms(into, batch);
  const livingPoints = mergeLivingPoints(into, batch);
  if (livingPoints) into.livingPoints = livingPoints;
  else delete into.livingPoints;
  for (const name of ADDITIVE) {
    const total = into[name];
    const more = batch[name];
    for (let i = 0; i < neurons; i++) total[i]! += more[i]!;
  }
  for (let i = 0; i < neurons; i++) {
    into.min[i] = Math.min(into.min[i]!, batch.min[i]!);
    into.max[i] = Math.max(into.max[i]!, batch.max[i]!);
  }
  into.positions += batch.positions;
}

/** Returns a deep copy. */
export function copyCounters(counters: Counters): Counters {
  const { positions, fired, positive, saturated, nonFinite, sum, sumAbs, sumSquares, min, max } = counters;
  return {
    positions,
    fired: fired.slice(),
    positive: positive.slice(),
    saturated: saturated.slice(),
    nonFinite: nonFinite.slice(),
    sum: sum.slice(),
    sumAbs: sumAbs.slice(),
    sumSquares: sumSquares.slice(),
    min: min.slice(),
    max: max.slice(),
    ...(counters.livingPoints && { livingPoints: { ...counters.livingPoints } }),
    histogram: copyHistogram(counters.histogram),
  };
}

/** Returns the number of neurons that the counters have. */
export function neuronsOf(counters: Counters): number {
  return counters.fired.length;
}

/**
 * Returns the number of positions at which neuron `index` had a finite value: the denominator of its means.
 */
export function finitePositions(counters: Counters, index: number): number {
  return counters.positions - counters.nonFinite[index]!;
}
