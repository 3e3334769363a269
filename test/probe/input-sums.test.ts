import { describe, expect, it } from 'vitest';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import type { NdArray } from '../../src/onnx/array.js';
import { addInputSums } from '../../src/probe/input-sums.js';
import { buildFile, type ModelSpec } from '../build.js';
import { bools, floats, runGraph } from './run-graph.js';

/** Sums and shapes by name of a layer's input, for the layers that feed the model's sites. */
async function sums(
  spec: ModelSpec,
  x: NdArray,
  mask: number[] | null = null,
): Promise<Record<string, { sums: number[]; shape: number[] }>> {
  const { copy } = await openAuditedFile({ model: buildFile(spec) });
  const { model, sites } = copy();
  const layers = sites.flatMap(({ weights }) => weights.map(({ layer }) => layer));
  const overlay = addInputSums(model, layers, mask !== null);
  const results = await runGraph(model, { x, ...(mask && { [overlay.mask!]: bools(...mask) }) });
  return Object.fromEntries(
    overlay.layers.map(({ input, sums, shape }) => [
      input,
      { sums: results[sums]!.data, shape: results[shape]!.data },
    ]),
  );
}

const mlp = (opset: number): ModelSpec => ({
  opset,
  irVersion: 4,
  inputs: { x: ['float32', ['b', 's', 2]] },
  initializers: {
    w: ['float32', [2, 3], [1, 0, 1, 0, 1, 1]],
    v: ['float32', [3, 1], 1],
  },
  nodes: [
    ['MatMul', ['x', 'w'], ['pre']],
    ['Relu', ['pre'], ['post']],
    ['MatMul', ['post', 'v'], ['y']],
  ],
  outputs: { y: ['float32', ['b', 's', 1]] },
});

describe.each([7, 9, 17])('the sums of a layer’s input, in opset %d', (opset) => {
  const x = floats([2, 2, 2], [1, 2, 3, 4, -5, 6, 7, -8]);

  it('are over all positions', async () => {
    expect(await sums(mlp(opset), x)).toEqual({
      x: { sums: [6, 4], shape: [4, 2] },
      post: { sums: [11, 12, 11], shape: [4, 3] },
    });
  });

  it('leave masked positions out, whatever they hold', async () => {
    const broken = floats([2, 2, 2], [1, 2, Number.NaN, Infinity, -5, 6, 7, -8]);
    expect(await sums(mlp(opset), broken, [1, 0, 1, 1])).toMatchObject({ x: { sums: [3, 0] } });
  });
});

it('the sums of a convolution’s input are by channel', async () => {
  const convolution: ModelSpec = {
    inputs: { x: ['float32', ['n', 2, 3]] },
    initializers: { w: ['float32', [1, 2, 1], 1], v: ['float32', [1, 1, 1], 1] },
    nodes: [
      ['Conv', ['x', 'w'], ['pre']],
      ['Relu', ['pre'], ['post']],
      ['Conv', ['post', 'v'], ['y']],
    ],
    outputs: ['y'],
  };
  expect(await sums(convolution, floats([1, 2, 3], [1, 2, 3, 10, 20, 30]))).toEqual({
    x: { sums: [6, 60], shape: [3, 2] },
    post: { sums: [66], shape: [3, 1] },
  });
});

it('a quantized input is summed as it was before', async () => {
  const quantized: ModelSpec = {
    inputs: { x: ['float32', ['n', 2]] },
    initializers: {
      one: ['float32', [], 1],
      zero: ['uint8', [], 3],
      w: ['uint8', [2, 2], [4, 3, 3, 4]],
      v: ['float32', [2, 1], 1],
    },
    nodes: [
      ['QuantizeLinear', ['x', 'one', 'zero'], ['xq']],
      ['QLinearMatMul', ['xq', 'one', 'zero', 'w', 'one', 'zero', 'one', 'zero'], ['preq']],
      ['DequantizeLinear', ['preq', 'one', 'zero'], ['pre']],
      ['Relu', ['pre'], ['post']],
      ['MatMul', ['post', 'v'], ['y']],
    ],
    outputs: ['y'],
  };
  const found = await sums(quantized, floats([2, 2], [1.25, -2, 3, 4]));
  expect(found.xq).toEqual({ sums: [4.25, 2], shape: [2, 2] });
});
