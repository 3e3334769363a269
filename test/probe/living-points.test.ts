import { describe, expect, it } from 'vitest';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { addLivingPointsProbes } from '../../src/probe/living-points.js';
import { pruneUnused } from '../../src/probe/prune-unused.js';
import { buildFile, type ModelSpec } from '../build.js';
import { floats, runGraph } from './run-graph.js';

/**
 * 1 for each point at which some unit of a layer is positive; a list a layer, up to the layer of these sites.
 */
async function positive(spec: ModelSpec, dims: number[], x: number[], upTo?: string): Promise<number[][]> {
  const { copy } = await openAuditedFile({ model: buildFile(spec) });
  const { model, sites, rectifier } = copy();
  model.graph.setOutputs([]);
  const read = upTo === undefined ? sites : sites.filter(({ id }) => id === upTo);
  const probes = addLivingPointsProbes(model, rectifier.network!, read);
  pruneUnused(model.graph);
  const results = await runGraph(model, { x: floats(dims, x) });
  return probes.map(({ output }) => {
    const { dims, data } = results[output]!;
    expect(dims).toEqual([data.length, 1]);
    return data;
  });
}

/** x [n, 2] → ReLU(x) → ReLU(−x₀ + 3, −x₁) → 1; the second layer only sees what the first lets through. */
const mlp = (opset: number): ModelSpec => ({
  opset,
  irVersion: 4,
  inputs: { x: ['float32', ['n', 2]] },
  initializers: {
    w0: ['float32', [2, 2], [1, 0, 0, 1]],
    w1: ['float32', [2, 2], [-1, 0, 0, -1]],
    b1: ['float32', [2], [3, 0]],
    w2: ['float32', [2, 1], 1],
  },
  nodes: [
    ['MatMul', ['x', 'w0'], ['pre0']],
    ['Relu', ['pre0'], ['post0']],
    ['MatMul', ['post0', 'w1'], ['xw1']],
    ['Add', ['xw1', 'b1'], ['pre1']],
    ['Relu', ['pre1'], ['post1']],
    ['MatMul', ['post1', 'w2'], ['y']],
  ],
  outputs: { y: ['float32', ['n', 1]] },
});

describe.each([7, 17])('the living points of a layer, in opset %d', (opset) => {
  it('are those at which a unit is positive, whatever layers before it did', async () => {
    const x = [1, 1, -1, 2, -1, -1, 4, 0];
    expect(await positive(mlp(opset), [4, 2], x)).toEqual([
      [1, 1, 0, 1],
      [1, 1, 1, 0],
    ]);
  });

  it('do not take NaN for positive', async () => {
    const { NaN: nan } = Number;
    expect((await positive(mlp(opset), [2, 2], [nan, 1, 1, 1]))[0]).toEqual([0, 1]);
  });

  it('of a convolution are records, of which one pixel is enough', async () => {
    const convolution: ModelSpec = {
      opset,
      irVersion: 4,
      inputs: { x: ['float32', ['n', 1, 2]] },
      initializers: { w: ['float32', [1, 1, 1], 1], v: ['float32', [1, 1, 1], 1] },
      nodes: [
        ['Conv', ['x', 'w'], ['pre']],
        ['Relu', ['pre'], ['post']],
        ['Conv', ['post', 'v'], ['y']],
      ],
      outputs: { y: ['float32', ['n', 1, 2]] },
    };
    expect(await positive(convolution, [3, 1, 2], [-1, 1, -1, -1, 2, -2])).toEqual([[1, 0, 1]]);
  });
});

it('living points are probed up to the last layer that is read', async () => {
  expect(await positive(mlp(17), [1, 2], [1, 1], '0.mlp_post')).toEqual([[1]]);
});
