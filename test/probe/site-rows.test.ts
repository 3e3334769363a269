import { describe, expect, test } from 'vitest';
import { splitMix32 } from '../../src/data/arrays/prng.js';
import type { Batch } from '../../src/data/types.js';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import type { NdArray } from '../../src/onnx/array.js';
import { f32ToF16 } from '../../src/onnx/floats.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { buildFile, type TensorSpec } from '../build.js';
import { expectProbesExact } from '../raw-tensors.js';

const size = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

/** Seeded numbers in [−2, 2). */
function numbers(dims: readonly number[], seed = 1): number[] {
  const draw = splitMix32(seed);
  return Array.from({ length: size(dims) }, () => (draw() / 2 ** 32) * 4 - 2);
}

const weight = (dims: number[], seed: number, type = 'float32'): TensorSpec => [
  type,
  dims,
  numbers(dims, seed),
];

function batchOf(dims: number[], values = numbers(dims, 9)): Batch {
  return {
    feeds: { x: { type: 'float32', dims, data: Float32Array.from(values) } },
    blocks: [0],
    sequences: dims[0]!,
    positions: size(dims.slice(0, -1)),
    mask: null,
  };
}

/** x [...dims, inputs] → neurons → 2, through a ReLU; no shape is declared but that of x. */
function mlp(dims: (string | number)[], inputs: number, neurons: number, type = 'float32'): string {
  return buildFile({
    inputs: { x: [type, [...dims, inputs]] },
    initializers: { w: weight([inputs, neurons], 2, type), v: weight([neurons, 2], 3, type) },
    nodes: [
      ['MatMul', ['x', 'w'], ['pre']],
      ['Relu', ['pre'], ['post']],
      ['MatMul', ['post', 'v'], ['y']],
    ],
    outputs: { y: [type, [...dims, 2]] },
  });
}

async function expectExact(model: string, batch: Batch, sites: number): Promise<void> {
  const { copy } = await openAuditedFile({ model });
  expect(copy().sites).toHaveLength(sites);
  await expectProbesExact(copy, batch, false, completeCriterion({ threshold: 0.01 }));
}

describe('the counters of a site equal its raw tensor', () => {
  test('with a single neuron', () => expectExact(mlp(['n'], 3, 1), batchOf([7, 3]), 2));

  test('with a single position and no other axis', () => expectExact(mlp([], 3, 4), batchOf([3]), 2));

  test('with four axes', () => expectExact(mlp(['a', 'b', 'c'], 3, 4), batchOf([2, 3, 2, 3]), 2));

  test('with no position at all', () => expectExact(mlp(['n'], 3, 4), batchOf([0, 3]), 2));

  test('with zeros of both signs', async () => {
    const zeros = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 0 : -0));
    await expectExact(mlp(['n'], 3, 4), batchOf([4, 3], zeros), 2);
  });

  test('in double precision', async () => {
    const x: NdArray = { type: 'float64', dims: [5, 3], data: Float64Array.from(numbers([5, 3], 9)) };
    await expectExact(mlp(['n'], 3, 4, 'float64'), { ...batchOf([5, 3]), feeds: { x } }, 2);
  });

  test('in half precision, whose squares overflow', async () => {
    const data = Uint16Array.from(numbers([5, 3], 9), (value) => f32ToF16(300 * value));
    const x: NdArray = { type: 'float16', dims: [5, 3], data };
    await expectExact(mlp(['n'], 3, 4, 'float16'), { ...batchOf([5, 3]), feeds: { x } }, 2);
  });

  test.each([1, 2, 3])('of a convolution over %d axes whose rank no file declares', async (axes) => {
    const kernel = (from: number, to: number, seed: number) =>
      weight([to, from, ...new Array<number>(axes).fill(2)], seed);
    const model = buildFile({
      inputs: { x: ['float32', ['n', 3, ...Array.from({ length: axes }, (_, i) => `side${i}`)]] },
      initializers: { w: kernel(3, 4, 2), v: kernel(4, 2, 3) },
      nodes: [
        ['Conv', ['x', 'w'], ['pre']],
        ['Relu', ['pre'], ['post']],
        ['Conv', ['post', 'v'], ['y']],
      ],
      outputs: ['y'],
    });
    await expectExact(model, batchOf([2, 3, ...new Array<number>(axes).fill(5)]), 2);
  });

  test('that two names stand for', async () => {
    const model = mlp(['n'], 3, 4);
    const { copy } = await openAuditedFile({ model, map: { '7.mlp_post': 'post' } });
    expect(copy().sites.map(({ id }) => id)).toEqual(['0.mlp_pre', '0.mlp_post', '7.mlp_post']);
    await expectProbesExact(copy, batchOf([5, 3]), false, completeCriterion());
  });
});
