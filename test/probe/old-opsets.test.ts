import { describe, expect, test } from 'vitest';
import { splitMix32 } from '../../src/data/arrays/prng.js';
import type { Batch } from '../../src/data/types.js';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import type { NdArray } from '../../src/onnx/array.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { buildFile, type ModelSpec, type TensorSpec, type TypeSpec } from '../build.js';
import { expectProbesExact } from '../raw-tensors.js';

/**
 * Opset 7 is the oldest that ONNX Runtime supports; from 11 on nodes are spelled as in the models of other
 * tests.
 */
const OPSETS = [7, 8, 9, 10];

/** Seeded numbers in [−2, 2). */
function numbers(count: number, seed = 1): number[] {
  const draw = splitMix32(seed);
  return Array.from({ length: count }, () => (draw() / 2 ** 32) * 4 - 2);
}

const weight = (dims: number[], seed: number): TensorSpec => [
  'float32',
  dims,
  numbers(
    dims.reduce((a, b) => a * b, 1),
    seed,
  ),
];

/**
 * A file as exporters of the time wrote them: format version 3, in which every initializer is an input as
 * well.
 */
function oldFile(opset: number, spec: Omit<ModelSpec, 'opset' | 'irVersion'>): string {
  const initializers = spec.initializers!;
  const asInputs = Object.entries(initializers).map(([name, tensor]): [string, TypeSpec] => {
    const [type, dims] = tensor as [string, number[], number[]];
    return [name, [type, dims]];
  });
  const old = opset < 9;
  return buildFile({
    ...spec,
    opset,
    irVersion: old ? 3 : 8,
    inputs: { ...spec.inputs, ...(old && Object.fromEntries(asInputs)) },
  });
}

/** x [batch, tokens, 4] → ReLU, tanh, sigmoid. */
const mlp = (opset: number): string =>
  oldFile(opset, {
    inputs: { x: ['float32', ['batch', 'tokens', 4]] },
    initializers: {
      w0: weight([4, 6], 2),
      b0: weight([6], 3),
      w1: weight([6, 5], 4),
      w2: weight([5, 3], 5),
      w3: weight([3, 2], 6),
    },
    nodes: [
      ['MatMul', ['x', 'w0'], ['xw']],
      ['Add', ['xw', 'b0'], ['pre0']],
      ['Relu', ['pre0'], ['post0']],
      ['MatMul', ['post0', 'w1'], ['pre1']],
      ['Tanh', ['pre1'], ['post1']],
      ['MatMul', ['post1', 'w2'], ['pre2']],
      ['Sigmoid', ['pre2'], ['post2']],
      ['MatMul', ['post2', 'w3'], ['y']],
    ],
    outputs: { y: ['float32', ['batch', 'tokens', 2]] },
  });

/** x [batch, 3, 6, 6] → convolution, ReLU, twice. */
const convolution = (opset: number): string =>
  oldFile(opset, {
    inputs: { x: ['float32', ['batch', 3, 6, 6]] },
    initializers: { w0: weight([4, 3, 3, 3], 2), b0: weight([4], 3), w1: weight([5, 4, 3, 3], 4) },
    nodes: [
      ['Conv', ['x', 'w0', 'b0'], ['pre0'], { kernel_shape: [3, 3] }],
      ['Relu', ['pre0'], ['post0']],
      ['Conv', ['post0', 'w1'], ['pre1'], { kernel_shape: [3, 3] }],
      ['Relu', ['pre1'], ['post1']],
      ['GlobalAveragePool', ['post1'], ['y']],
    ],
    outputs: { y: ['float32', ['batch', 5, 1, 1]] },
  });

function batchOf(dims: number[], options: { mask?: number[]; broken?: boolean } = {}): Batch {
  const data = Float32Array.from(
    numbers(
      dims.reduce((a, b) => a * b, 1),
      9,
    ),
  );
  if (options.broken) [data[0], data[7], data[14]] = [Number.NaN, Infinity, -Infinity];
  const x: NdArray = { type: 'float32', dims, data };
  const positions = dims.slice(0, -1).reduce((a, b) => a * b, 1);
  const { mask } = options;
  return {
    feeds: { x },
    blocks: [0],
    sequences: dims[0]!,
    positions: mask ? mask.reduce((a, b) => a + b, 0) : positions,
    mask: mask ? { type: 'uint8', dims: [mask.length], data: Uint8Array.from(mask) } : null,
  };
}

describe.each(OPSETS)('a model of opset %d', (opset) => {
  const criterion = completeCriterion({ threshold: 0.01 });
  const mask = [1, 1, 1, 1, 0, 1, 1, 1, 0, 0];

  test.each([
    ['all positions', {}],
    ['masked positions', { mask }],
    ['masked positions and values that are not finite', { mask, broken: true }],
  ])('has the counters of its raw tensors: an MLP, %s', async (_, options) => {
    const { copy } = await openAuditedFile({ model: mlp(opset) });
    expect(copy().sites.map(({ id }) => id)).toHaveLength(6);
    await expectProbesExact(copy, batchOf([2, 5, 4], options), 'mask' in options, criterion);
  });

  test('has the counters of its raw tensors: a convolution, values that are not finite', async () => {
    const { copy } = await openAuditedFile({ model: convolution(opset) });
    expect(copy().sites.map(({ id }) => id)).toHaveLength(4);
    await expectProbesExact(copy, batchOf([2, 3, 6, 6], { broken: true }), false, criterion);
  });
});
