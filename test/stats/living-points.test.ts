import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyCounters, emptyCounters, mergeCounters } from '../../src/stats/counters.js';
import { livingPointsByLayer } from '../../src/stats/living-points.js';

describe('data points alive at each layer', () => {
  it('are those that no layer so far has killed', () => {
    const lives = livingPointsByLayer(
      [
        [1, 1, 0, 1],
        [1, 0, 1, 1],
        [0, 1, 1, 1],
      ],
      null,
    );
    expect(lives).toEqual([
      { points: 4, alive: 3 },
      { points: 4, alive: 2 },
      { points: 4, alive: 1 },
    ]);
  });

  it('leave padding out', () => {
    expect(livingPointsByLayer([[1, 1, 0]], [1, 0, 1])).toEqual([{ points: 2, alive: 1 }]);
  });

  it('are not known where layers have different points', () => {
    expect(livingPointsByLayer([[1, 1], [1]], null)).toBeNull();
    expect(livingPointsByLayer([[1, 1]], [1])).toBeNull();
    expect(livingPointsByLayer([], null)).toEqual([]);
  });

  it('merge like the whole: data cut in two gives the same numbers', () => {
    const bit = fc.integer({ min: 0, max: 1 });
    const layers = fc
      .integer({ min: 0, max: 20 })
      .chain((points) =>
        fc.array(fc.array(bit, { minLength: points, maxLength: points }), { minLength: 1, maxLength: 5 }),
      );
    fc.assert(
      fc.property(layers, fc.integer({ min: 0, max: 20 }), (positive, cut) => {
        const whole = livingPointsByLayer(positive, null)!;
        const counters = (part: number[][]) =>
          livingPointsByLayer(part, null)!.map((life) => ({
            ...emptyCounters(1),
            positions: life.points,
            ...(life.points > 0 && { livingPoints: life }),
          }));
        const left = counters(positive.map((layer) => layer.slice(0, cut)));
        const right = counters(positive.map((layer) => layer.slice(cut)));
        for (const [i, life] of whole.entries()) {
          const merged = mergeCounters(left[i]!, right[i]!);
          expect(merged).toEqual(mergeCounters(right[i]!, left[i]!));
          if (life.points > 0) expect(merged.livingPoints).toEqual(life);
          expect(copyCounters(merged)).toEqual(merged);
        }
      }),
    );
  });

  it('are unknown of a whole of which one part did not count them', () => {
    const seen = { ...emptyCounters(1), positions: 4 };
    const counted = { ...seen, livingPoints: { points: 4, alive: 2 } };
    expect(mergeCounters(seen, counted).livingPoints).toBeUndefined();
    expect(mergeCounters(counted, seen).livingPoints).toBeUndefined();
    expect(mergeCounters(emptyCounters(1), counted).livingPoints).toEqual({ points: 4, alive: 2 });
  });
});
