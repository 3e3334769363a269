import { describe, expect, it } from 'vitest';
import { Builder } from '../../src/graph/builder.js';
import type { Model } from '../../src/graph/model.js';
import type { StoredGraph } from '../../src/patterns/stored-graph.js';
import { storedNeighbours } from '../../src/probe/stored-edges.js';
import { buildGraphModel, type TensorSpec } from '../build.js';
import { runGraph } from './run-graph.js';

function modelWith(opset: number, initializers: Record<string, TensorSpec>): Model {
  return buildGraphModel({ opset, irVersion: 4, inputs: {}, initializers, nodes: [], outputs: [] });
}

/** Pairs as `from-to`, and the number of neighbours of each node; `null` where the opset is too old. */
async function neighbours(
  model: Model,
  stored: StoredGraph,
): Promise<{ pairs: string[]; degrees: number[] } | null> {
  const found = storedNeighbours(Builder.of(model, 'audit/'), stored);
  if (!found) return null;
  model.graph.addOutput(found.edges);
  model.graph.addOutput(found.degrees);
  const results = await runGraph(model, {});
  const { dims, data } = results[found.edges.name]!;
  const pairs = Array.from({ length: dims[1]! }, (_, i) => `${data[i]}-${data[dims[1]! + i]}`);
  return { pairs, degrees: results[found.degrees.name]!.data };
}

describe.each([9, 11, 13, 18])('the neighbours in a stored matrix, in opset %d', (opset) => {
  // Row = to, column = from: 1 → 0, 2 → 0, 0 → 2, and a loop at 1.
  const entries = [0, 0.5, 2, 0, 1, 0, 0.1, 0, 0];

  it.each(['float32', 'float16', 'float64'])('are its entries outside the diagonal (%s)', async (type) => {
    const model = modelWith(opset, { a: [type, [3, 3], entries] });
    const [matrix] = [...model.graph.initializers];
    expect(await neighbours(model, { kind: 'adjacency', matrix: matrix!, nodes: 3 })).toEqual({
      pairs: ['0-2', '1-0', '2-0'],
      degrees: [2, 0, 1],
    });
  });
});

describe.each([11, 18])('the neighbours in stored lists, in opset %d', (opset) => {
  it('count once each, without loops', async () => {
    const model = modelWith(opset, {
      from: ['int64', [6], [1, 2, 2, 0, 1, 2]],
      to: ['int64', [6], [0, 0, 0, 2, 1, 1]],
      rows: ['float32', [4, 1], 0],
    });
    const [from, to, rows] = [...model.graph.initializers];
    expect(await neighbours(model, { kind: 'edges', from: from!, to: to!, rows: rows! })).toEqual({
      pairs: ['0-2', '1-0', '2-0', '2-1'],
      degrees: [2, 1, 1, 0],
    });
  });

  it('are read where each number is repeated along the features, and messages are fewer than the list', async () => {
    const model = modelWith(opset, {
      from: ['int64', [3], [1, 2, 0]],
      to: ['int64', [2, 3], [0, 0, 0, 1, 1, 1]],
      rows: ['float32', [3, 3], 0],
    });
    const [from, to, rows] = [...model.graph.initializers];
    expect(await neighbours(model, { kind: 'edges', from: from!, to: to!, rows: rows! })).toEqual({
      pairs: ['1-0', '2-1'],
      degrees: [1, 1, 0],
    });
  });
});

it('neighbours that an old opset cannot list are none', async () => {
  const model = modelWith(8, { a: ['float32', [2, 2], 1] });
  const [matrix] = [...model.graph.initializers];
  expect(await neighbours(model, { kind: 'adjacency', matrix: matrix!, nodes: 2 })).toBeNull();
});
