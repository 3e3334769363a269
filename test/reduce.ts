import type { Counters, Criterion } from '../src/stats/types.js';

/**
 * The counters of a tensor computed the plain way, one number after the other in double precision: the independent
 * computation that probes are held against.
 *
 * @param values [positions, neurons], row-major; `counts` says which positions count.
 */
export function reducePlainly(
  values: ArrayLike<number>,
  neurons: number,
  { firing, threshold }: Pick<Criterion, 'firing' | 'threshold'>,
  counts: (position: number) => boolean = () => true,
): Omit<Counters, 'histogram' | 'saturated'> {
  const zeros = (): Float64Array => new Float64Array(neurons);
  const result = {
    positions: 0,
    fired: zeros(),
    positive: zeros(),
    nonFinite: zeros(),
    sum: zeros(),
    sumAbs: zeros(),
    sumSquares: zeros(),
    min: new Float32Array(neurons).fill(Infinity),
    max: new Float32Array(neurons).fill(-Infinity),
  };
  for (let position = 0; position < values.length / neurons; position++) {
    if (!counts(position)) continue;
    result.positions++;
    for (let n = 0; n < neurons; n++) {
      const a = values[position * neurons + n]!;
      if (!Number.isFinite(a)) {
        result.nonFinite[n]!++;
        continue;
      }
      if ((firing === 'abs' ? Math.abs(a) : a) > threshold) result.fired[n]!++;
      if (a > 0) result.positive[n]!++;
      result.sum[n]! += a;
      result.sumAbs[n]! += Math.abs(a);
      result.sumSquares[n]! += a * a;
      result.min[n] = Math.min(result.min[n]!, a);
      result.max[n] = Math.max(result.max[n]!, a);
    }
  }
  return result;
}

/** Counts of values per bin, rounding half to even as QuantizeLinear does. */
export function binPlainly(values: Iterable<number>, scale: number, zeroPoint: number): Float64Array {
  const counts = new Float64Array(256);
  for (const value of values) {
    const x = Math.fround(Math.fround(value) / Math.fround(scale));
    const floor = Math.floor(x);
    const rounded = x - floor === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(x);
    counts[Math.min(255, Math.max(0, rounded + zeroPoint))]!++;
  }
  return counts;
}
