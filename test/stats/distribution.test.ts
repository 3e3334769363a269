import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyCounters } from '../../src/stats/counters.js';
import { frequencies, frequencyDistribution, quantile, resolution } from '../../src/stats/distribution.js';
import { histogramRange, openHistogram } from '../../src/stats/value-histogram.js';
import { valueSummary } from '../../src/stats/value-summary.js';
import { anyCounters, binOf, countersOf } from './counting.js';

const of = (...frequencies: number[]) => frequencyDistribution(Float64Array.from(frequencies));

describe('frequency', () => {
  it('has linear quantiles, as numpy.quantile', () => {
    expect(quantile([0, 1, 2, 10], 0.5)).toBe(1.5);
    expect(quantile([0, 1, 2, 10], 0.95)).toBeCloseTo(8.8, 12);
    expect(quantile([7], 0.01)).toBe(7);
    expect(of(1, 0, 0.5)).toMatchObject({ min: 0, p05: 0.05, p50: 0.5, p95: 0.95, max: 1, mean: 0.5 });
  });

  it('counts every edge into the bin on its right, 1 into the last', () => {
    const edges = Array.from({ length: 21 }, (_, k) => k / 20);
    const { histogram } = of(...edges);
    expect(histogram.edges).toEqual(edges);
    expect(histogram.counts).toEqual([...new Array(19).fill(1), 2]);
  });

  it('counts log10(frequency + 1e-10) from −10 (silent) to 0 (always)', () => {
    const { edges, counts } = of(0, 0, 1, 0.5, 0.001 - 1e-10).log10Histogram;
    expect([edges[0], edges[1], edges.at(-1), edges.length]).toEqual([-10, -9.5, 0, 21]);
    expect([counts[0], counts[14], counts[19], counts.length]).toEqual([2, 1, 2, 20]);
  });

  it('leaves out neurons without finite values, and is null without any', () => {
    const nan = Number.NaN;
    expect(frequencyDistribution(frequencies(countersOf([[nan, 1, 0]], 3)))).toMatchObject({
      min: 0,
      max: 1,
      mean: 0.5,
    });
    for (const nothing of [emptyCounters(3), emptyCounters(0), countersOf([[nan]], 1)]) {
      const { min, p50, mean, histogram } = frequencyDistribution(frequencies(nothing));
      expect([min, p50, mean]).toEqual([null, null, null]);
      expect(histogram.counts).toEqual(new Array(20).fill(0));
    }
  });

  it('has a resolution by the rule of three', () => {
    expect(resolution(3000)).toBe(0.001);
    expect(resolution(0)).toBeNull();
  });
});

describe('value summary', () => {
  it('is that of all finite values together', () => {
    fc.assert(
      fc.property(anyCounters(3), (counters) => {
        const { mean, std, min, max } = valueSummary(counters);
        if (mean === null) {
          expect([std, min, max]).toEqual([null, null, null]);
          return;
        }
        expect(mean).toBeGreaterThanOrEqual(min! - 1e-9);
        expect(mean).toBeLessThanOrEqual(max! + 1e-9);
        expect(std).toBeLessThanOrEqual((max! - min!) / 2);
      }),
    );
    const rows = [
      [1, 2],
      [3, Number.NaN],
    ];
    expect(valueSummary(countersOf(rows, 2))).toEqual({
      min: 1,
      max: 3,
      mean: 2,
      std: expect.closeTo(0.8165, 4),
    });
  });

  it('survives cancellation: a constant far from zero has no spread', () => {
    const counters = countersOf(
      Array.from({ length: 1000 }, () => [1000.1]),
      1,
    );
    counters.sumSquares[0]! *= 1 + 1e-6; // as float32 sums from a graph may be off
    expect(valueSummary(counters).std).toBe(0);
    counters.sumSquares[0]! *= 1 - 1e-5;
    expect(valueSummary(counters).std).toBe(0);
  });
});

describe('value histogram', () => {
  it('has edges at (k − zeroPoint ± ½) · scale and open ends', () => {
    const counts = new Float64Array(256);
    counts[2] = 5;
    const { edges, counts: list } = openHistogram({ scale: 0.5, zeroPoint: 2, counts });
    expect(edges.slice(0, 4)).toEqual([null, -0.75, -0.25, 0.25]);
    expect([edges.length, edges[256], list.length, list[2]]).toEqual([257, null, 256, 5]);
  });

  it.each([
    [0, 0],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN],
    [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])('reaches from about −1 to 1 for the range %s … %s', (min, max) => {
    expect(histogramRange(min, max)).toEqual({ scale: Math.fround(2 / 255), zeroPoint: 128 });
  });

  it('uses all bins for one-sided data', () => {
    expect(histogramRange(0, 255)).toEqual({ scale: 1, zeroPoint: 0 });
    expect(histogramRange(-255, 0)).toEqual({ scale: 1, zeroPoint: 255 });
    expect(histogramRange(100, 255)).toEqual({ scale: 1, zeroPoint: 0 });
    expect(histogramRange(5, 5)).toEqual({ scale: Math.fround(5 / 255), zeroPoint: 0 });
  });

  it('covers any range within its bins, 0 in the middle of one, with a float32 scale', () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(float, float, (a, b) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        const bins = histogramRange(min, max);
        expect(bins.scale).toBe(Math.fround(bins.scale));
        expect(bins.scale).toBeGreaterThan(0);
        expect(Number.isInteger(bins.zeroPoint) && bins.zeroPoint >= 0 && bins.zeroPoint <= 255).toBe(true);
        expect(binOf(0, bins)).toBe(bins.zeroPoint);
        const slack = 1e-4 * bins.scale;
        expect(Math.min(min, 0)).toBeGreaterThanOrEqual((-bins.zeroPoint - 0.5) * bins.scale - slack);
        expect(Math.max(max, 0)).toBeLessThanOrEqual((255 - bins.zeroPoint + 0.5) * bins.scale + slack);
      }),
    );
  });
});
