import { finitePositions } from './counters.js';
import type { Counters } from './types.js';

/** Bins and the number of values in each: `edges` has one number more than `counts`. */
interface Histogram {
  edges: number[];
  counts: number[];
}

/** Distribution of the neurons' activation frequencies; `null` if no neuron had a finite value. */
export interface FrequencyDistribution {
  min: number | null;
  p01: number | null;
  p05: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
  mean: number | null;
  /** 20 equal bins from 0 to 1; the last one includes 1. */
  histogram: Histogram;
  /**
   * 20 bins from −10 to 0 of log10(frequency + 1e-10), as feature densities of sparse autoencoders are
   * plotted.
   */
  log10Histogram: Histogram;
}

const LINEAR_EDGES = Array.from({ length: 21 }, (_, k) => k / 20);
const LOG10_EDGES = Array.from({ length: 21 }, (_, k) => k / 2 - 10);
/** Added to frequencies, so that a neuron that never fired is on the logarithmic axis. */
const LOG10_OFFSET = 1e-10;

/**
 * Computes activation frequencies, fired / positions, [neurons]; NaN for a neuron without a single finite
 * value.
 */
export function frequencies(counters: Counters): Float64Array {
  return counters.fired.map((fired, i) =>
    finitePositions(counters, i) > 0 ? fired / counters.positions : Number.NaN,
  );
}

/** Computes the distribution of frequencies over neurons, without NaN. O(neurons · log neurons). */
export function frequencyDistribution(perNeuron: Float64Array): FrequencyDistribution {
  const known = perNeuron.filter((frequency) => !Number.isNaN(frequency)).sort();
  const at = (p: number) => (known.length === 0 ? null : quantile(known, p));
  return {
    min: at(0),
    p01: at(0.01),
    p05: at(0.05),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
    mean: known.length === 0 ? null : known.reduce((sum, f) => sum + f, 0) / known.length,
    histogram: histogram(known, LINEAR_EDGES),
    log10Histogram: histogram(
      known.map((f) => Math.log10(f + LOG10_OFFSET)),
      LOG10_EDGES,
    ),
  };
}

/**
 * Computes the quantile `p` in [0, 1] of sorted, non-empty numbers, linear between neighbours: type 7 of
 * Hyndman & Fan 1996, the default of NumPy and R.
 */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const at = (sorted.length - 1) * p;
  const below = Math.floor(at);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (at - below);
}

/**
 * Counts numbers into equal bins [edge, next edge); the last includes its right edge. A number outside falls
 * into the bin at that end.
 */
function histogram(numbers: Float64Array, edges: readonly number[]): Histogram {
  const bins = edges.length - 1;
  const counts: number[] = new Array(bins).fill(0);
  const first = edges[0]!;
  const perUnit = bins / (edges[bins]! - first);
  for (const number of numbers) {
    let k = Math.min(bins - 1, Math.max(0, Math.floor((number - first) * perUnit)));
    // The product may round over an edge, so the edges decide.
    if (k > 0 && number < edges[k]!) k--;
    else if (k < bins - 1 && number >= edges[k + 1]!) k++;
    counts[k]!++;
  }
  return { edges: [...edges], counts };
}

/**
 * Returns the finest frequency that so many positions can tell from zero; `null` without positions. A neuron
 * silent at all of them fires less often than 3 / positions with 95 % confidence (rule of three, Hanley &
 * Lippman-Hand 1983).
 */
export function resolution(positions: number): number | null {
  return positions > 0 ? 3 / positions : null;
}
