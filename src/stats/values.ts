import { finitePositions, HISTOGRAM_BINS, neuronsOf } from './counters.js';
import type { Counters, ValueHistogram } from './types.js';

/** Bins of values; the first and the last edge are `null`: those bins are open. */
export interface OpenHistogram {
  edges: (number | null)[];
  counts: number[];
}

/** The finite values of a site taken together; `null` where there were none. */
export interface ValueSummary {
  min: number | null;
  max: number | null;
  mean: number | null;
  /** Population standard deviation. */
  std: number | null;
}

/**
 * Minimum, maximum, mean and standard deviation over all neurons and positions of the given counters.
 *
 * Σa² − (Σa)²/n loses its digits when the mean is large against the spread, more so as the sums come from float32
 * arithmetic in the graph; so the variance is kept in [0, (max − min)²/4] (Popoviciu's inequality).
 */
export function valueSummary(...sites: Counters[]): ValueSummary {
  let [n, sum, squares, min, max] = [0, 0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const counters of sites) {
    for (let i = 0; i < neuronsOf(counters); i++) {
      n += finitePositions(counters, i);
      sum += counters.sum[i]!;
      squares += counters.sumSquares[i]!;
      min = Math.min(min, counters.min[i]!);
      max = Math.max(max, counters.max[i]!);
    }
  }
  if (!(n > 0)) return { min: null, max: null, mean: null, std: null };
  const mean = sum / n;
  const variance = Math.max(0, squares / n - mean * mean);
  const std = Math.min(Math.sqrt(variance), (max - min) / 2);
  return { min: orNull(min), max: orNull(max), mean: orNull(mean), std: orNull(std) };
}

/** The histogram with its edges: bin k lies between (k − zeroPoint ∓ ½) · scale, the two end bins are open. */
export function openHistogram({ scale, zeroPoint, counts }: ValueHistogram): OpenHistogram {
  const edges = Array.from({ length: counts.length + 1 }, (_, k) =>
    k === 0 || k === counts.length ? null : (k - zeroPoint - 0.5) * scale,
  );
  return { edges, counts: Array.from(counts) };
}

/** Scale where nothing is known of the values: the bins then reach from about −1 to 1. */
const UNKNOWN_RANGE = { scale: Math.fround(2 / 255), zeroPoint: 128 };
/** Smallest normal float32; a smaller scale may be flushed to zero. */
const SMALLEST_SCALE = 2 ** -126;

/**
 * Bins for QuantizeLinear (uint8) that cover [min, max] of the range batch and have 0 in the middle of a bin.
 * `min` and `max` need not be finite: where there is no data, or only zeros, the bins reach from about −1 to 1.
 * The scale is a float32, as the operator's input is.
 */
export function histogramRange(min: number, max: number): { scale: number; zeroPoint: number } {
  const low = Number.isFinite(min) ? Math.min(0, min) : 0;
  const high = Number.isFinite(max) ? Math.max(0, max) : 0;
  if (low === high) return { ...UNKNOWN_RANGE };
  const last = HISTOGRAM_BINS - 1;
  const scale = Math.fround(Math.max((high - low) / last, SMALLEST_SCALE));
  const zeroPoint = Math.min(last, Math.max(0, Math.round(-low / scale)));
  return { scale, zeroPoint: zeroPoint + 0 };
}

function orNull(number: number): number | null {
  return Number.isFinite(number) ? number : null;
}
