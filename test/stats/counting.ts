import fc from 'fast-check';
import { emptyCounters } from '../../src/stats/counters.js';
import type { Counters } from '../../src/stats/types.js';

export interface Bins {
  scale: number;
  zeroPoint: number;
}

/** Counters of rows [positions][neurons], value by value: the plain meaning of each counter. */
export function countersOf(
  rows: number[][],
  neurons: number,
  bins: Bins | null = null,
  saturates = false,
): Counters {
  const counters = emptyCounters(neurons, { histogram: bins });
  for (const row of rows) {
    counters.positions++;
    row.forEach((value, i) => {
      const a = Math.fround(value);
      if (!Number.isFinite(a)) {
        counters.nonFinite[i]!++;
        return;
      }
      if (Math.abs(a) > 0.001) counters.fired[i]!++;
      if (a > 0) counters.positive[i]!++;
      if (saturates && Math.abs(a) > 0.999) counters.saturated[i]!++;
      counters.sum[i]! += a;
      counters.sumAbs[i]! += Math.abs(a);
      counters.sumSquares[i]! += a * a;
      counters.min[i] = Math.min(counters.min[i]!, a);
      counters.max[i] = Math.max(counters.max[i]!, a);
      if (counters.histogram) counters.histogram.counts[binOf(a, counters.histogram)]!++;
    });
  }
  return counters;
}

/** QuantizeLinear to uint8: round half to even, add the zero point, saturate. */
export function binOf(value: number, { scale, zeroPoint }: Bins): number {
  const scaled = value / scale;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return Math.min(255, Math.max(0, rounded + zeroPoint));
}

/**
 * Values whose sums and squares doubles hold exactly, so that laws hold to the bit; and what is not a number.
 */
const anyValue = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -4096, max: 4096 }).map((n) => n / 64) },
  { weight: 2, arbitrary: fc.constantFrom(0, -0, 1, -1, 0.5) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);

export const anyRows = (neurons: number) =>
  fc.oneof(
    fc.array(fc.array(anyValue, { minLength: neurons, maxLength: neurons }), { maxLength: 12 }),
    // Constant columns, negative ones among them.
    fc
      .tuple(fc.array(anyValue, { minLength: neurons, maxLength: neurons }), fc.nat(6))
      .map(([row, n]) => Array.from({ length: n }, () => [...row])),
  );

export const someBins = fc.constantFrom<Bins | null>(
  null,
  { scale: 0.25, zeroPoint: 128 },
  { scale: 0.5, zeroPoint: 0 },
);

/** Counters of [neurons] over any data, with any bins. */
export const anyCounters = (neurons: number, bins: fc.Arbitrary<Bins | null> = someBins) =>
  fc.tuple(anyRows(neurons), bins).map(([rows, histogram]) => countersOf(rows, neurons, histogram));

/** Negative zero counts as zero: a running sum may meet either. */
export function plain(counters: Counters): object {
  const list = (array: ArrayLike<number>) => Array.from(array, (x) => (Object.is(x, -0) ? 0 : x));
  return Object.fromEntries(
    Object.entries(counters).map(([key, value]) => {
      if (typeof value === 'number' || value === null) return [key, value];
      if ('counts' in value) return [key, { ...value, counts: list(value.counts) }];
      return [key, list(value as Float64Array)];
    }),
  );
}
