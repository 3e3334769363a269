import { expect, it } from 'vitest';
import { addShapeProbes } from '../../src/probe/tensor-shapes.js';
import { buildGraphModel } from '../build.js';
import { floats, runGraph } from './run-graph.js';

it('the shapes of all computed tensors leave the graph, and no tensor does', async () => {
  const model = buildGraphModel({
    inputs: { x: ['float32', ['b', 3, 4]] },
    initializers: { w: ['float32', [4, 2], 1] },
    nodes: [
      ['MatMul', ['x', 'w'], ['product']],
      ['ReduceSum', ['product'], ['sum'], { keepdims: 0 }],
      ['TopK', ['product', 'k'], ['values', 'indices']],
      ['Constant', [], ['k'], { value_ints: [1] }],
      ['SequenceConstruct', ['product'], ['sequence']],
    ],
    outputs: ['sum'],
  });
  const tensors = addShapeProbes(model.graph);
  const results = await runGraph(model, { x: floats([5, 3, 4], new Array<number>(60).fill(1)) });
  const shapes = Object.fromEntries([...tensors].map(([output, tensor]) => [tensor, results[output]!.data]));
  expect(shapes).toEqual({ product: [5, 3, 2], sum: [], values: [5, 3, 1], indices: [5, 3, 1] });
});
