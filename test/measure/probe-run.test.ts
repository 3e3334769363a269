import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/data/types.js';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { openProbeRun } from '../../src/measure/probe-run.js';
import type { NdArray } from '../../src/onnx/array.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import type { Counters, Criterion } from '../../src/stats/types.js';
import { buildFile, type ModelSpec } from '../build.js';

/** x [rows, 3] → x·I + b → activation → ·V: the values at the sites can be written down. */
function mlp(opType: string, more: Partial<ModelSpec> = {}): string {
  return buildFile({
    inputs: { x: ['float32', ['rows', 3]] },
    initializers: {
      w: ['float32', [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]],
      b: ['float32', [3], 0],
      v: ['float32', [3, 2], 1],
    },
    nodes: [
      ['Gemm', ['x', 'w', 'b'], ['pre']],
      [opType, ['pre'], ['post']],
      ['MatMul', ['post', 'v'], ['y']],
    ],
    outputs: ['y'],
    ...more,
  });
}

const rows = (values: number[][]): NdArray => ({
  type: 'float32',
  dims: [values.length, values[0]!.length],
  data: Float32Array.from(values.flat()),
});

async function count(
  path: string,
  x: number[][],
  kept: number[] | null = null,
  given: Partial<Criterion> = {},
): Promise<Record<string, Counters>> {
  const { copy } = await openAuditedFile({ model: path });
  const batch: Batch = {
    feeds: { x: rows(x) },
    blocks: [0],
    sequences: x.length,
    positions: kept ? kept.reduce((a, b) => a + b, 0) : x.length,
    mask: kept && { type: 'uint8', dims: [x.length], data: Uint8Array.from(kept) },
  };
  const session = { device: 'cpu', threads: 1 } as const;
  const run = await openProbeRun(copy, {
    criterion: completeCriterion(given),
    masked: kept !== null,
    session,
  });
  const counters = await run.run(batch, await run.findRange(batch));
  await run.dispose();
  return Object.fromEntries(copy().sites.map(({ id }, i) => [id, counters[i]!]));
}

describe('values that are not finite', () => {
  test('are counted per neuron and left out of everything else', async () => {
    // The weights are 1e38, so that 10 overflows in its own neuron only; a NaN spreads over its row.
    const scaled = mlp('Relu', {
      initializers: {
        w: ['float32', [3, 3], [1e38, 0, 0, 0, 1e38, 0, 0, 0, 1]],
        b: ['float32', [3], 0],
        v: ['float32', [3, 2], 1],
      },
    });
    const { '0.mlp_pre': pre } = await count(scaled, [
      [2e-38, -2e-38, 3],
      [10, 3e-38, 5],
      [4e-38, -10, -4],
      [0, Number.NaN, 0],
    ]);
    expect([...pre!.nonFinite]).toEqual([2, 2, 1]);
    expect(pre!.positions).toBe(4);
    expect([...pre!.sum].map((sum) => Math.round(sum))).toEqual([6, 1, 4]);
    expect([...pre!.min].map((min) => Math.round(min))).toEqual([2, -2, -4]);
    expect([...pre!.max].map((max) => Math.round(max))).toEqual([4, 3, 5]);
    expect([...pre!.fired]).toEqual([2, 2, 3]);
    expect(pre!.histogram!.counts.reduce((a, b) => a + b, 0)).toBe(7);
  });

  test('in masked positions do not count at all', async () => {
    const { '0.mlp_pre': pre } = await count(
      mlp('Relu'),
      [
        [1, 2, 3],
        [Number.NaN, Number.NaN, Number.NaN],
      ],
      [1, 0],
    );
    expect([...pre!.nonFinite]).toEqual([0, 0, 0]);
    expect([...pre!.sum]).toEqual([1, 2, 3]);
    expect(pre!.histogram!.counts.reduce((a, b) => a + b, 0)).toBe(3);
  });

  test('are told from finite values whose squares overflow float32', async () => {
    const { '0.mlp_pre': pre } = await count(mlp('Relu'), [
      [1e30, 1, 1],
      [1, 1, 1],
    ]);
    expect([...pre!.nonFinite]).toEqual([0, 0, 0]);
    expect(pre!.max[0]).toBe(Math.fround(1e30));
    expect(pre!.sumSquares[0]).toBe(Infinity);
    expect(pre!.sumSquares[1]).toBe(2);
  });

  test('can be all that a neuron ever has', async () => {
    const infinite = mlp('Relu', {
      initializers: {
        w: ['float32', [3, 3], 1],
        b: ['float32', [3], [Infinity, 0, 0]],
        v: ['float32', [3, 2], 1],
      },
    });
    const { '0.mlp_post': post } = await count(infinite, [
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect([...post!.nonFinite]).toEqual([2, 0, 0]);
    expect(post!.min[0]).toBe(Infinity);
    expect(post!.max[0]).toBe(-Infinity);
  });
});

describe('saturation', () => {
  test('of Tanh is within 0.001 of ±1', async () => {
    const { '0.mlp_post': post } = await count(mlp('Tanh'), [
      [5, -5, 0],
      [1, 5, 0],
    ]);
    expect([...post!.saturated]).toEqual([1, 2, 0]);
  });

  test('of Sigmoid is within 0.001 of 0 and 1, and padding is not', async () => {
    const { '0.mlp_post': post } = await count(
      mlp('Sigmoid'),
      [
        [9, -9, 0],
        [9, 9, 0],
      ],
      [1, 0],
    );
    expect([...post!.saturated]).toEqual([1, 1, 0]);
  });

  test('is not asked of other activations', async () => {
    const { '0.mlp_post': post } = await count(mlp('Relu'), [[0, 0, 0]]);
    expect([...post!.saturated]).toEqual([0, 0, 0]);
  });
});

describe('firing', () => {
  test('is above the threshold, not at it', async () => {
    const { '0.mlp_post': post } = await count(mlp('Relu'), [[0.5, 0.25, 0.75]], null, { threshold: 0.5 });
    expect([...post!.fired]).toEqual([0, 0, 1]);
  });

  test('by absolute value or by sign', async () => {
    const x = [[-1, 1, 0]];
    const abs = await count(mlp('Relu'), x, null, { firing: 'abs' });
    const positive = await count(mlp('Relu'), x, null, { firing: 'positive' });
    expect([...abs['0.mlp_pre']!.fired]).toEqual([1, 1, 0]);
    expect([...positive['0.mlp_pre']!.fired]).toEqual([0, 1, 0]);
  });
});

describe('opsets', () => {
  test.each([11, 12, 13, 17, 18, 20, 21, 22, 23])('probes run in opset %i', async (opset) => {
    const { '0.mlp_post': post } = await count(mlp('Relu', { opset }), [
      [-1, 1, 2],
      [3, -3, 4],
    ]);
    expect([...post!.sum]).toEqual([3, 1, 6]);
    expect([...post!.max]).toEqual([3, 1, 4]);
  });
});

test('the channels of a convolution are its neurons, pixels its positions', async () => {
  const path = buildFile({
    inputs: { x: ['float32', ['b', 1, 2, 3]] },
    initializers: { w: ['float32', [2, 1, 1, 1], [1, -1]], b: ['float32', [2], [0, 1]] },
    nodes: [
      ['Conv', ['x', 'w', 'b'], ['pre']],
      ['Relu', ['pre'], ['y']],
    ],
    outputs: ['y'],
  });
  const { copy } = await openAuditedFile({ model: path });
  const x: NdArray = {
    type: 'float32',
    dims: [2, 1, 2, 3],
    data: Float32Array.from([-2, -1, 0, 1, 2, 3, 0, 0, 0, 0, 0, 5]),
  };
  const batch: Batch = { feeds: { x }, blocks: [0, 1], sequences: 2, positions: 2, mask: null };
  const run = await openProbeRun(copy, {
    criterion: completeCriterion(),
    masked: false,
    session: { device: 'cpu', threads: 1 },
  });
  const counters = await run.run(batch, await run.findRange(batch));
  await run.dispose();
  const post = counters[copy().sites.findIndex(({ id }) => id === '0.mlp_post')]!;
  expect(post.positions).toBe(12);
  expect([...post.sum]).toEqual([11, 11]);
  expect([...post.max]).toEqual([5, 3]);
  expect(copy().sites[0]!.weights).toMatchObject([{ role: 'in', initializer: 'w', axis: 0, fanIn: 1 }]);
});
