import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyCounters } from '../../src/stats/counters.js';
import { CRITERIA, completeCriterion, deadNeurons, dormancy } from '../../src/stats/criteria.js';
import { countFlags, flaggedNeurons } from '../../src/stats/flags.js';
import { anyCounters, countersOf } from './counting.js';

const dead = (rows: number[][], neurons: number, kind: (typeof CRITERIA)[number], deadBelow?: number) =>
  deadNeurons(
    countersOf(rows, neurons),
    completeCriterion({ dead: kind, ...(deadBelow !== undefined && { deadBelow }) }),
  );

describe('dead criteria', () => {
  // Neuron 0 is zero, 1 fires once in two thousand, 2 once in a thousand, 3 cancels, 4 sits at GELU's
  // minimum.
  const rows = Array.from({ length: 2000 }, (_, p) => [
    0,
    p === 0 ? 2 : 0,
    p % 1000 === 0 ? 2 : 0,
    p % 2 === 0 ? 1 : -1,
    -0.17,
  ]);

  it('frequency: fires at less than the limit, not at exactly the limit', () => {
    expect(dead(rows, 5, 'frequency')).toEqual([0, 1]);
    expect(dead(rows, 5, 'frequency', 0.0011)).toEqual([0, 1, 2]);
  });

  it('silent: never fires', () => expect(dead(rows, 5, 'silent')).toEqual([0]));

  it('sum: |Σa| is at most the limit, so that values cancel', () => {
    expect(dead(rows, 5, 'sum')).toEqual([0, 3]);
    expect(dead(rows, 5, 'sum', 2)).toEqual([0, 1, 3]);
  });

  it('mean-abs: mean |a| is at most the limit', () => {
    expect(dead(rows, 5, 'mean-abs')).toEqual([0, 1]); // 2 / 2000 is the limit
    expect(dead(rows, 5, 'mean-abs', 0.002)).toEqual([0, 1, 2]);
  });

  it('dormant: mean |a| over the mean of the site is at most the limit', () => {
    const mean = (0 + 0.001 + 0.002 + 1 + 0.17) / 5;
    expect(Array.from(dormancy(countersOf(rows, 5)))).toEqual(
      [0, 0.001 / mean, 0.002 / mean, 1 / mean, 0.17 / mean].map((x) => expect.closeTo(x, 6)),
    );
    expect(dead(rows, 5, 'dormant')).toEqual([0, 1, 2]);
  });

  it('dormant: all neurons of a site of zeros', () => {
    expect(dead([[0, 0]], 2, 'dormant')).toEqual([0, 1]);
  });

  it.each(CRITERIA)('%s: nothing is dead where nothing was seen', (kind) => {
    expect(deadNeurons(emptyCounters(3), completeCriterion({ dead: kind }))).toEqual([]);
  });

  it.each(CRITERIA)('%s: a neuron without a finite value is not dead, one with a finite zero is', (kind) => {
    const data = [
      [Number.NaN, Number.NaN, 5],
      [Number.POSITIVE_INFINITY, 0, 5],
    ];
    expect(dead(data, 3, kind)).toEqual([1]);
  });
});

describe('criterion', () => {
  it('has the default limits of the contract', () => {
    expect(CRITERIA.map((kind) => completeCriterion({ dead: kind }).deadBelow)).toEqual([
      0.001,
      null,
      0,
      0.001,
      0.025,
    ]);
    expect(completeCriterion()).toEqual({
      firing: 'abs',
      threshold: 0.001,
      dead: 'frequency',
      deadBelow: 0.001,
    });
  });

  it.each([
    [{ dead: 'ded' as never }, 'frequency, silent, sum, mean-abs, dormant'],
    [{ deadBelow: 0 }, '(0, 1]'],
    [{ deadBelow: 1.5 }, '(0, 1]'],
    [{ dead: 'sum' as const, deadBelow: -1 }, 'at least 0'],
    [{ dead: 'silent' as const, deadBelow: 1 }, 'no limit'],
    [{ threshold: Number.NaN }, '`threshold` to be a number of at least 0'],
    [{ firing: 'up' as never }, 'abs or positive'],
  ])('refuses %j', (given, sentence) => {
    expect(() => completeCriterion(given)).toThrow(sentence);
  });
});

describe('flags', () => {
  it('tell the ways of being dead apart', () => {
    // zero, constant at GELU's minimum, never positive but alive, healthy, barely there, half NaN
    const rows = Array.from({ length: 100 }, (_, p) => [
      0,
      -0.17,
      -p / 50,
      p / 50 - 1,
      p * 1e-6,
      p % 2 ? Number.NaN : p / 50,
    ]);
    expect(flaggedNeurons(countersOf(rows, 6))).toEqual({
      silent: [0, 4],
      neverPositive: [0, 1, 2],
      dormant: [0, 4],
      constant: [0, 1],
      saturated: [],
      nonFinite: [5],
    });
  });

  it('call a neuron saturated when it is at its limits at 99 % of positions', () => {
    const rows = Array.from({ length: 100 }, (_, p) => [p === 0 ? 0 : 1, p < 2 ? 0 : -1]);
    expect(flaggedNeurons(countersOf(rows, 2, null, true)).saturated).toEqual([0]);
    expect(flaggedNeurons(countersOf(rows, 2, null, false)).saturated).toEqual([]);
  });

  it('are nothing but nonFinite for a neuron without finite values, and nothing without data', () => {
    expect(countFlags(countersOf([[Number.NaN]], 1))).toEqual({
      silent: 0,
      neverPositive: 0,
      dormant: 0,
      constant: 0,
      saturated: 0,
      nonFinite: 1,
    });
    expect(Object.values(countFlags(emptyCounters(4)))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('agree with the criteria of the same name', () => {
    fc.assert(
      fc.property(anyCounters(4), (counters) => {
        const flags = flaggedNeurons(counters);
        expect(flags.silent).toEqual(deadNeurons(counters, completeCriterion({ dead: 'silent' })));
        expect(flags.dormant).toEqual(deadNeurons(counters, completeCriterion({ dead: 'dormant' })));
      }),
    );
  });
});
