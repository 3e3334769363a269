import { expect, it } from 'vitest';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { addWeightsAsInputs } from '../../src/probe/weights-as-inputs.js';
import { buildFile } from '../build.js';

it('weights on disk become inputs of their type and shape; small ones stay', async () => {
  const model = buildFile({
    inputs: { x: ['float32', ['n', 256]] },
    initializers: { w: ['float32', [256, 256], 0.5], b: ['float32', [256], 0], v: ['float32', [256, 1], 1] },
    nodes: [
      ['Gemm', ['x', 'w', 'b'], ['pre']],
      ['Relu', ['pre'], ['post']],
      ['MatMul', ['post', 'v'], ['y']],
    ],
    outputs: ['y'],
  });
  const { copy } = await openAuditedFile({ model });
  const { graph } = copy().model;
  expect(addWeightsAsInputs(graph)).toEqual({ modified: true });
  expect(graph.inputs.map(({ name, type }) => [name, type?.shape])).toEqual([
    ['x', ['n', 256]],
    ['w', [256, 256]],
  ]);
  expect([...graph.initializers].map(({ name }) => name)).toEqual(['b', 'v']);
  expect(addWeightsAsInputs(graph)).toEqual({ modified: false });
});
