import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { NdArray } from '../src/onnx/array.js';
import type { Counters } from '../src/stats/types.js';

/** Nested lists of numbers, [2, 3]: two lists of three. */
export type Nested = number | Nested[];

/** Activation statistics that PyTorch hooks saw (models/recipes/golden.py). Vectors are [neurons]. */
export interface Golden {
  threshold: number;
  inputs: { file: string; arrays: string[] } | Record<string, { dtype: string; data: Nested[] }>;
  sites: GoldenSite[];
}

export interface GoldenSite {
  id: string;
  stack?: string;
  positions: number;
  fired: number[];
  /** Positions at which the value is so near to the threshold that float32 rounding may decide. */
  firedBorderline: number[];
  positive: number[];
  positiveBorderline: number[];
  sum: number[];
  sumAbs: number[];
  min: number[];
  max: number[];
}

/**
 * PyTorch and ONNX Runtime compute the same float32 network in another order: largest difference per position, relative
 * to the largest activation of the site.
 */
const VALUE_TOLERANCE = 3e-6;

export const readGolden = (path: string): Golden => JSON.parse(readFileSync(path, 'utf8')) as Golden;

/** Returns the array of an input that a golden holds as nested lists. */
export function arrayIn({ dtype, data }: { dtype: string; data: Nested[] }): NdArray {
  const dims: number[] = [];
  for (let at: Nested = data; Array.isArray(at); at = at[0]!) dims.push(at.length);
  const numbers = data.flat(dims.length as 1) as number[];
  return dtype === 'int64'
    ? { type: 'int64', dims, data: BigInt64Array.from(numbers, BigInt) }
    : { type: 'float32', dims, data: Float32Array.from(numbers) };
}

/** Holds the counters of a site against the golden: counts to the borderline values, sums and limits to rounding. */
export function expectCounters(found: Counters, expected: GoldenSite): void {
  const { id } = expected;
  expect(found.positions, id).toBe(expected.positions);
  for (const name of ['fired', 'positive'] as const) {
    const border = name === 'fired' ? expected.firedBorderline : expected.positiveBorderline;
    for (const [n, count] of expected[name].entries()) {
      expect(Math.abs(found[name][n]! - count), `${id} ${name} of neuron ${n}`).toBeLessThanOrEqual(
        border[n]!,
      );
    }
  }
  expectValues(found, expected, VALUE_TOLERANCE);
}

/** Holds sums (per position), minima and maxima of a site against the golden, relative to the site's largest value. */
export function expectValues(found: Counters, expected: GoldenSite, tolerance: number): void {
  const largest = Math.max(...expected.max.map(Math.abs), ...expected.min.map(Math.abs));
  for (const name of ['sum', 'sumAbs', 'min', 'max'] as const) {
    const steps = name === 'min' || name === 'max' ? 1 : expected.positions;
    const worst = expected[name].reduce((w, x, n) => Math.max(w, Math.abs(found[name][n]! - x) / steps), 0);
    expect(worst, `${expected.id} ${name}`).toBeLessThan(tolerance * largest);
  }
}
