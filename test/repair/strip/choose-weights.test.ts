import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { weightsToStrip } from '../../../src/repair/strip/choose-weights.js';

describe('which weights to strip', () => {
  test('takes the most negative ⌈fraction · n⌉, n counting non-zero weights of either sign', () => {
    expect(weightsToStrip([1, -2, 0, -3, 4, -1, 0, 5], 0.3)).toEqual([1, 3]);
    expect(weightsToStrip([1, -2, 0, -3, 4, -1, 0, 5], 0.1)).toEqual([3]);
  });

  test('takes only negative ones, never more than there are', () => {
    expect(weightsToStrip([1, 2, -1, 3], 1)).toEqual([2]);
    expect(weightsToStrip([1, 2, 0], 0.5)).toEqual([]);
    expect(weightsToStrip([], 0.5)).toEqual([]);
    expect(weightsToStrip([0, -0], 1)).toEqual([]);
  });

  test('counts exactly where fraction · n is whole in decimals but not in binary', () => {
    const weights = Array.from({ length: 30 }, (_, i) => -1 - i);
    expect(weightsToStrip(weights, 0.1)).toEqual([27, 28, 29]);
  });

  test('by contribution goes by w·E[x], so that a positive weight on a negative input counts', () => {
    expect(weightsToStrip([3, -1, 2, -5], 0.5, [-2, 1, 1, -1])).toEqual([0, 1]);
  });

  test('a neuron stripped again loses a share of what remains', () => {
    const weights = Array.from({ length: 100 }, (_, i) => -1 - i);
    const sizes: number[] = [];
    for (let round = 0; round < 3; round++) {
      const chosen = weightsToStrip(weights, 0.1);
      for (const i of chosen) weights[i] = 0;
      sizes.push(chosen.length);
    }
    expect(sizes).toEqual([10, 9, 9]);
  });

  test('no weight that stays is more negative than one that goes', () => {
    const weights = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { maxLength: 60 });
    fc.assert(
      fc.property(weights, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, fraction) => {
        const chosen = new Set(weightsToStrip(all, fraction));
        const worst = Math.min(...all.filter((_, i) => !chosen.has(i)));
        expect([...chosen].every((i) => all[i]! < 0 && all[i]! <= worst)).toBe(true);
        const nonZero = all.filter((weight) => weight !== 0).length;
        expect(chosen.size).toBeLessThanOrEqual(Math.ceil(fraction * nonZero));
      }),
    );
  });
});
