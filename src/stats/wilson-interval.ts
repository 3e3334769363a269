/** An interval that holds the true probability with about 95 % confidence. */
export interface Interval {
  low: number;
  high: number;
}

/** z of a two-sided 95 % interval. */
const Z95 = 1.959963984540054;

/**
 * Computes Wilson's score interval (1927) for `successes` of `trials`; it holds for none and for all of them,
 * too.
 */
export function wilsonInterval(successes: number, trials: number, z = Z95): Interval {
  if (trials === 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const scale = 1 + (z * z) / trials;
  const centre = share + (z * z) / (2 * trials);
  const spread = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  const low = successes === 0 ? 0 : Math.max(0, (centre - spread) / scale);
  const high = successes === trials ? 1 : Math.min(1, (centre + spread) / scale);
  return { low, high };
}
