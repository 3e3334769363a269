import { finitePositions, neuronsOf } from './counters.js';
import type { Counters } from './types.js';

/** The finite values of a site taken together; `null` if there were none. */
export interface ValueSummary {
  min: number | null;
  max: number | null;
  mean: number | null;
  /** Population standard deviation. */
  std: number | null;
}

/**
 * Computes minimum, maximum, mean and standard deviation over all neurons and positions of some counters.
 *
 * Σa² − (Σa)²/n loses its digits if the mean is large against the deviations, the more so as the sums come
 * from float32 arithmetic in the graph. So the variance is kept in [0, (max − min)²/4] (Popoviciu's
 * inequality).
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

function orNull(number: number): number | null {
  return Number.isFinite(number) ? number : null;
}
