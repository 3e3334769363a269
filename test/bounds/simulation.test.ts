import { expect, it } from 'vitest';
import { startTally } from '../../src/bounds/simulation.js';

const options = { width: 2, depth: 2, networks: 3, points: 4, seed: 1 };

it('a tally counts living networks, and averages shares over all networks', () => {
  const tally = startTally(options);
  for (const [layer, alive] of [
    [0, 4],
    [0, 2],
    [0, 3],
    [1, 4],
    [1, 0],
    [1, 1],
  ] as const) {
    tally.add(layer, alive, null);
  }
  expect(tally.finish()).toEqual({
    networks: 3,
    points: 4,
    living: [3, 2],
    aliveShare: [9 / 12, 5 / 12],
    leastAliveShare: [0.5, 0],
    meanVariance: [null, null],
    medianVariance: [null, null],
  });
});

it('the variance is that of living networks alone, in whatever order they come', () => {
  const finish = (order: number[]) => {
    const tally = startTally({ ...options, depth: 1, networks: 4 });
    const seen = [
      [4, 0.1],
      [4, 0.2],
      [1, 0.7],
      [0, Number.NaN],
    ] as const;
    for (const i of order) tally.add(0, seen[i]![0], seen[i]![1]);
    return tally.finish();
  };
  const { meanVariance, medianVariance } = finish([0, 1, 2, 3]);
  expect(medianVariance).toEqual([0.2]);
  expect(meanVariance[0]).toBeCloseTo(1 / 3, 15);
  expect(finish([3, 2, 1, 0])).toEqual(finish([1, 0, 3, 2]));
});
