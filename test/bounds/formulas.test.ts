import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  convolutionParameters,
  denseParameters,
  depthFor,
  exactWidth,
  livingBounds,
  oneMapParameters,
  pointAlive,
  uniformBounds,
  widthFor,
} from '../../src/bounds/formulas.js';

const width = fc.integer({ min: 1, max: 200 });
const depth = fc.integer({ min: 1, max: 1_000_000 });
const probability = fc.double({ min: 0.001, max: 0.999, noNaN: true });

const dense = (n: number, bias = true) => ({ neurons: n, parameters: denseParameters(n, bias) });

describe('bounds on a living initialization', () => {
  it('are (1−2^−n)^k and (1−2^−n²−n)^(k−1), or with n² without bias', () => {
    const { lower, upper } = uniformBounds(dense(3), 4);
    expect(lower).toBeCloseTo((1 - 2 ** -3) ** 4, 14);
    expect(upper).toBeCloseTo((1 - 2 ** -12) ** 3, 14);
    expect(uniformBounds(dense(3, false), 4).upper).toBeCloseTo((1 - 2 ** -9) ** 3, 14);
  });

  it('have a convolutional form: (1−2^−N)^k and (1−2^−(N²M²+N))^(k−1)', () => {
    const { lower, upper } = uniformBounds({ neurons: 2, parameters: convolutionParameters(2, 3, true) }, 3);
    expect(lower).toBeCloseTo((1 - 2 ** -2) ** 3, 14);
    expect(upper).toBeCloseTo((1 - 2 ** -38) ** 2, 14);
    expect(convolutionParameters(2, 3, false)).toBe(2 * 2 * 9);
  });

  it('have equation 22 for kernels of one input map each: (1−2^−N(M²+1))^(k−1)', () => {
    const { upper } = uniformBounds({ neurons: 2, parameters: oneMapParameters(2, 3, true) }, 3);
    expect(upper).toBeCloseTo((1 - 2 ** -20) ** 2, 14);
    expect(oneMapParameters(1, 3, true)).toBe(convolutionParameters(1, 3, true));
  });

  it('are those of the layers one by one, whatever their widths', () => {
    fc.assert(
      fc.property(width, fc.integer({ min: 1, max: 300 }), fc.boolean(), (n, k, bias) => {
        const all = livingBounds(Array.from({ length: k }, () => dense(n, bias)));
        const once = uniformBounds(dense(n, bias), k);
        for (const key of ['lower', 'upper', 'deathAtLeast', 'deathAtMost'] as const) {
          expect(Math.abs(all[key] - once[key])).toBeLessThanOrEqual(1e-13 * once[key]);
        }
      }),
    );
    const { lower, upper } = livingBounds([
      { neurons: 2, parameters: 100 },
      { neurons: 3, parameters: 9 },
    ]);
    expect(lower).toBeCloseTo(0.75 * 0.875, 14);
    expect(upper).toBeCloseTo(1 - 2 ** -9, 14);
  });

  it('lie in [0, 1], the lower below the upper, and fall with depth', () => {
    fc.assert(
      fc.property(width, depth, fc.boolean(), (n, k, bias) => {
        const { lower, upper, deathAtLeast, deathAtMost } = uniformBounds(dense(n, bias), k);
        for (const value of [lower, upper, deathAtLeast, deathAtMost]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        expect(lower).toBeLessThanOrEqual(upper);
        expect(deathAtLeast).toBeLessThanOrEqual(deathAtMost);
        expect(uniformBounds(dense(n, bias), k + 1).lower).toBeLessThanOrEqual(lower);
        expect(uniformBounds(dense(n + 1, bias), k).lower).toBeGreaterThanOrEqual(lower);
      }),
    );
  });

  it('keep the probability of death where that of life rounds to 1', () => {
    const { lower, deathAtMost, deathAtLeast } = uniformBounds(dense(100), 1000);
    expect(lower).toBe(1);
    // k·2^−n up to a relative k·2^−n, and 2^−10100 is below every double.
    expect(deathAtMost / (1000 * 2 ** -100)).toBeCloseTo(1, 14);
    expect(deathAtLeast).toBe(0);
    expect(Object.is(deathAtLeast, 0)).toBe(true);
    expect(uniformBounds(dense(5), 1e12).lower).toBe(0);
    expect(uniformBounds(dense(40), 1e12).lower).toBeCloseTo(Math.exp(-1e12 * 2 ** -40), 12);
  });

  it('of depth 1 have the upper bound 1: every input set may be alive', () => {
    expect(uniformBounds(dense(2), 1).upper).toBe(1);
    expect(livingBounds([dense(2)]).upper).toBe(1);
  });
});

describe('the width for a depth (equation 9)', () => {
  it('is −log₂(1 − p^(1/k)) and inverts the lower bound', () => {
    expect(exactWidth(10, 0.5)).toBeCloseTo(-Math.log2(1 - 0.5 ** 0.1), 12);
    fc.assert(
      fc.property(depth, probability, (k, p) => {
        const n = exactWidth(k, p);
        expect(pointAlive(n, k) / p).toBeCloseTo(1, 9);
      }),
    );
  });

  it('is stable for depths at which p^(1/k) rounds to 1', () => {
    // −ln p / k is 1 − p^(1/k) to first order.
    expect(exactWidth(1e18, 0.5)).toBeCloseTo(-Math.log2(Math.LN2 / 1e18), 10);
  });

  it('rounded up is the smallest width that suffices', () => {
    fc.assert(
      fc.property(depth, probability, (k, p) => {
        const n = widthFor(k, p);
        expect(pointAlive(n, k)).toBeGreaterThanOrEqual(p * (1 - 1e-9));
        if (n > 1) expect(pointAlive(n - 1, k)).toBeLessThan(p);
      }),
    );
    expect(widthFor(1, 0.5)).toBe(1);
    expect(widthFor(1, 0.75)).toBe(2);
    expect(widthFor(2, 0.5625)).toBe(2);
    expect(widthFor(1, 0.01)).toBe(1);
  });

  it('has an inverse: the depth a width carries', () => {
    expect(depthFor(1, 0.5)).toBe(1);
    expect(depthFor(2, 0.5625)).toBe(2);
    expect(depthFor(2000, 0.5)).toBe(Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), probability, (n, p) => {
        const k = depthFor(n, p);
        if (k >= 1) expect(widthFor(k, p)).toBeLessThanOrEqual(n);
        expect(widthFor(k + 1, p)).toBeGreaterThan(n);
      }),
    );
  });
});
