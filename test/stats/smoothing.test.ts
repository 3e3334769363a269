import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitMix32 } from '../../src/data/arrays/prng.js';
import { effectiveRank } from '../../src/stats/effective-rank.js';
import {
  emptySmoothing,
  finishSmoothing,
  mergeSmoothing,
  type SmoothingSums,
} from '../../src/stats/smoothing.js';
import { symmetricEigenvalues } from '../../src/stats/symmetric-eigenvalues.js';
import { singularValues, smoothness } from '../smoothness.js';

/** Sums of a graph without edges, and of made-up edges where asked. */
function sumsOf(
  rows: number[][],
  edges = { pairs: 0, energy: 0, degreeEnergy: 0, cosineDistance: 0 },
): SmoothingSums {
  const nodes = rows.length;
  const mean = Float64Array.from(rows[0]!, (_, k) => rows.reduce((sum, row) => sum + row[k]!, 0) / nodes);
  return {
    ...edges,
    nodes,
    mean,
    squaredDeviations: rows.reduce(
      (sum, row) => sum + row.reduce((all, value, k) => all + (value - mean[k]!) ** 2, 0),
      0,
    ),
    zeros: rows.flat().filter((value) => value === 0).length,
    gram: gramOf(rows),
  };
}

function gramOf(rows: number[][]): Float64Array {
  const width = rows[0]!.length;
  return Float64Array.from({ length: width * width }, (_, at) =>
    rows.reduce((sum, row) => sum + row[Math.floor(at / width)]! * row[at % width]!, 0),
  );
}

const number = fc.integer({ min: -40, max: 40 }).map((n) => n / 8);
const rowsOf3 = fc.array(
  fc.tuple(number, number, number).map((row) => [...row]),
  { minLength: 1, maxLength: 12 },
);
const someEdges = fc.record({
  pairs: fc.nat(99),
  energy: fc.nat(99),
  degreeEnergy: fc.nat(99),
  cosineDistance: fc.nat(99),
});

function expectClose(a: SmoothingSums, b: SmoothingSums): void {
  const flat = (sums: SmoothingSums) => [
    ...[
      sums.nodes,
      sums.pairs,
      sums.squaredDeviations,
      sums.energy,
      sums.degreeEnergy,
      sums.cosineDistance,
      sums.zeros,
    ],
    ...sums.mean,
    ...sums.gram!,
  ];
  const [left, right] = [flat(a), flat(b)];
  for (const [at, value] of left.entries()) expect(value).toBeCloseTo(right[at]!, 9);
}

describe('sums over graphs', () => {
  it('merge into those of the disjoint union', () => {
    fc.assert(
      fc.property(rowsOf3, rowsOf3, (a, b) => {
        expectClose(mergeSmoothing(sumsOf(a), sumsOf(b)), sumsOf([...a, ...b]));
      }),
    );
  });

  it('merge in any order and grouping, and leave their arguments alone', () => {
    fc.assert(
      fc.property(rowsOf3, rowsOf3, rowsOf3, someEdges, (x, y, z, edges) => {
        const [a, b, c] = [sumsOf(x, edges), sumsOf(y), sumsOf(z, edges)];
        const before = structuredClone([a, b, c]);
        expectClose(mergeSmoothing(a, b), mergeSmoothing(b, a));
        expectClose(mergeSmoothing(mergeSmoothing(a, b), c), mergeSmoothing(a, mergeSmoothing(b, c)));
        expectClose(mergeSmoothing(a, emptySmoothing(3)), a);
        expect([a, b, c]).toEqual(before);
      }),
    );
  });

  it('of different widths cannot be merged', () => {
    expect(() => mergeSmoothing(emptySmoothing(2), emptySmoothing(3))).toThrow(/2 and 3 features/);
  });

  it('of no nodes, or not finite, measure nothing', () => {
    expect(Object.values(finishSmoothing(emptySmoothing(2)))).toEqual(new Array(6).fill(null));
    const broken = { ...sumsOf([[1], [2]]), energy: Number.NaN, gram: Float64Array.of(Infinity) };
    expect(finishSmoothing(broken)).toMatchObject({
      dirichletEnergy: null,
      effectiveRank: null,
      zeroShare: null,
    });
  });
});

describe('the effective rank', () => {
  it('is the number of equal directions', () => {
    const identity = Float64Array.from({ length: 25 }, (_, at) => (at % 6 === 0 ? 4 : 0));
    expect(effectiveRank(identity, 5)).toBeCloseTo(5, 12);
    expect(
      effectiveRank(
        gramOf([
          [1, 2, 3],
          [2, 4, 6],
          [-1, -2, -3],
        ]),
        3,
      ),
    ).toBeCloseTo(1, 9);
    expect(effectiveRank(new Float64Array(9), 3)).toBe(0);
  });

  it('of singular values 3 and 1 is exp of the entropy of ¾ and ¼', () => {
    const entropy = -(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25));
    expect(effectiveRank(Float64Array.of(9, 0, 0, 1), 2)).toBeCloseTo(Math.exp(entropy), 12);
  });

  it('agrees with Jacobi rotations of X itself, whatever its scale', () => {
    const rows = fc.array(fc.array(number, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(rows, fc.constantFrom(1, 1e-30, 1e12), (x, scale) => {
        const scaled = x.map((row) => row.map((value) => value * scale));
        expect(effectiveRank(gramOf(scaled), 6)).toBeCloseTo(smoothness(x, []).effectiveRank, 5);
      }),
    );
  });

  it('rests on the eigenvalues of XᵀX, which are the squares of the singular values', () => {
    const draw = splitMix32(7);
    const next = () => draw() / 2 ** 32 - 0.5;
    for (const width of [1, 2, 3, 17, 40]) {
      const rows = Array.from({ length: 60 }, () => Array.from({ length: width }, next));
      const found = [...symmetricEigenvalues(gramOf(rows), width)].sort((a, b) => b - a);
      for (const [k, value] of singularValues(rows).entries()) expect(found[k]).toBeCloseTo(value ** 2, 9);
    }
  });
});
