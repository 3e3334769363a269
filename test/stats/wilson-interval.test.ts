import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wilsonInterval } from '../../src/stats/wilson-interval.js';

it("is Wilson's interval", () => {
  // 10 of 100, https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval
  const { low, high } = wilsonInterval(10, 100);
  expect(low).toBeCloseTo(0.05523, 4);
  expect(high).toBeCloseTo(0.17437, 4);
  expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
});

it('holds the measured share, reaches 0 and 1 only at the ends, and narrows with more trials', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 1000 }), (s, n) => {
      fc.pre(s <= n);
      const { low, high } = wilsonInterval(s, n);
      expect(low).toBeLessThanOrEqual(s / n);
      expect(high).toBeGreaterThanOrEqual(s / n);
      expect(low === 0).toBe(s === 0);
      expect(high === 1).toBe(s === n);
      const more = wilsonInterval(4 * s, 4 * n);
      expect(more.high - more.low).toBeLessThan(high - low);
    }),
  );
});
