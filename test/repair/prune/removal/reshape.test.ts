import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AxisRemoval } from '../../../../src/repair/prune/removal/removal.js';
import { reshaped } from '../../../../src/repair/prune/removal/reshape.js';

const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);

/** Flat indices whose index along the removal's axis is removed. */
function flat({ axis, removed }: AxisRemoval, dims: readonly number[]): number[] {
  const inner = product(dims.slice(dims.length + axis + 1));
  return Array.from({ length: product(dims) }, (_, i) => i).filter((i) =>
    removed.has(Math.floor(i / inner) % dims.at(axis)!),
  );
}

describe('reshaped', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

  it('names the same elements in the other dimensions, or says that it cannot', () => {
    const splits = fc.tuple(sizes, fc.nat(), fc.nat(), fc.infiniteStream(fc.boolean()));
    fc.assert(
      fc.property(splits, ([dims, axisSeed, joinSeed, coins]) => {
        const axis = -1 - (axisSeed % dims.length);
        const removed = new Map<number, number>();
        for (let i = 0; i < dims.at(axis)!; i++) if (coins.next().value) removed.set(i, i);
        const removal: AxisRemoval = { axis, width: dims.at(axis)!, removed };
        // Another shape of the same elements: two neighbours joined, or one appended.
        const k = joinSeed % dims.length;
        const to =
          k + 1 < dims.length
            ? [...dims.slice(0, k), dims[k]! * dims[k + 1]!, ...dims.slice(k + 2)]
            : [...dims, 1];
        const there = reshaped(removal, dims, to);
        if (there) expect(flat(there, to)).toEqual(flat(removal, dims));
        const back = there && reshaped(there, to, dims);
        if (back) expect(flat(back, dims)).toEqual(flat(removal, dims));
      }),
    );
  });

  it('keeps the last axis when batch and sequence are joined, and back', () => {
    const removal: AxisRemoval = { axis: -1, width: 8, removed: new Map([[3, 3]]) };
    expect(reshaped(removal, [2, 5, 8], [10, 8])).toEqual(removal);
    expect(reshaped(removal, [10, 8], [2, 5, 8])).toEqual(removal);
  });

  it('makes a channel a run of features when a convolution is flattened', () => {
    const removal: AxisRemoval = { axis: -3, width: 4, removed: new Map([[1, 1]]) };
    const there = reshaped(removal, [2, 4, 3, 2], [2, 24])!;
    expect(there).toEqual({ axis: -1, width: 24, removed: new Map([6, 7, 8, 9, 10, 11].map((i) => [i, 1])) });
    expect(reshaped(there, [2, 24], [2, 4, 3, 2])).toEqual(removal);
  });

  it('refuses to split a neuron, or to join neurons with what is before them', () => {
    expect(reshaped({ axis: -1, width: 8, removed: new Map([[3, 3]]) }, [5, 8], [5, 2, 4])).toBeNull();
    expect(reshaped({ axis: -1, width: 8, removed: new Map([[3, 3]]) }, [5, 8], [40])).toBeNull();
  });
});
