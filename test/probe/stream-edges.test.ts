import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { integersBelow, normals } from '../../src/data/arrays/prng.js';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { encodeOverlay } from '../../src/probe/overlay.js';
import { pruneUnused } from '../../src/probe/prune-unused.js';
import { streamEdges } from '../../src/probe/stream-edges.js';
import { openSession } from '../../src/runtime/session.js';
import { buildFile, type ModelSpec, type NodeSpec } from '../build.js';

const NODES = 40;
const EDGES = 203;

/** The model's output on a random graph, with its edges streamed in chunks or as exported. */
async function run(path: string, chunkEdges: number | null): Promise<{ data: unknown; streamed: number }> {
  const { copy } = await openAuditedFile({ model: path });
  const { model, folder } = copy();
  const { graph } = model;
  const { streamed } = chunkEdges === null ? { streamed: 0 } : streamEdges(model, chunkEdges);
  pruneUnused(graph);
  const output = graph.outputs[0]!.name;
  const width = graph.inputs[0]!.type!.shape![1] as number;
  const session = await openSession({
    model: encodeOverlay(model, folder),
    folder,
    device: 'cpu',
    threads: 1,
  });
  const ends = BigInt64Array.from(integersBelow(NODES, 3, 2 * EDGES), BigInt);
  try {
    const results = await session.run({
      feeds: {
        x: { type: 'float32', dims: [NODES, width], data: normals(1, NODES * width) },
        edge_index: { type: 'int64', dims: [2, EDGES], data: ends },
      },
      fetch: [output],
    });
    return { data: results[output]!.data, streamed };
  } finally {
    await session.dispose();
  }
}

describe('streamed edges', () => {
  const zoo = [
    'gcn-ts17',
    'gcn-dynamo18',
    'gcn-unnormalized-ts17',
    'sage-ts17',
    'sage-dynamo18',
    'gin-ts17',
    'gin-dynamo18',
    'gat-ts17',
  ];
  const paths = [...zoo.map((name) => `models/zoo/files/${name}.onnx`), 'models/gcn/model.onnx'].filter(
    existsSync,
  );

  it.each(paths)('give the outputs of %s to the bit', async (path) => {
    const plain = await run(path, null);
    for (const chunk of [7, 2 ** 18]) {
      const streamed = await run(path, chunk);
      expect(streamed.streamed).toBeGreaterThan(1);
      expect(streamed.data).toEqual(plain.data);
    }
  });

  it.each([
    // A cut of features is none that the sums are known to survive: such messages stay as they are.
    { what: 'features', ends: 'cut', places: 'column', streamed: 0 },
    { what: 'edges', ends: 'shape', places: 'short', streamed: 1 },
  ])('are right where messages are cut to fewer $what', async ({ ends, places, streamed }) => {
    const spec: ModelSpec = {
      opset: 18,
      inputs: { x: ['float32', ['n', 4]], edge_index: ['int64', [2, 'e']] },
      initializers: {
        zero: ['int64', [], 0],
        one: ['int64', [], 1],
        column: ['int64', [2], [-1, 1]],
        start: ['int64', [2], 0],
        cut: ['int64', [2], [100, 3]],
        four: ['int64', [1], 4],
        begin: ['int64', [1], 0],
        hundred: ['int64', [1], 100],
        first: ['int64', [1], 1],
        none: ['float32', [40, places === 'short' ? 4 : 3], 0],
      },
      nodes: [
        ['Gather', ['edge_index', 'zero'], ['from'], { axis: 0 }],
        ['Gather', ['edge_index', 'one'], ['to'], { axis: 0 }],
        ['Slice', ['to', 'begin', 'hundred'], ['few']],
        ['Reshape', [places === 'short' ? 'few' : 'to', 'column'], ['column_of']],
        ['Gather', ['x', 'from'], ['messages'], { axis: 0 }],
        ...((ends === 'cut'
          ? [
              ['Slice', ['messages', 'start', 'cut'], ['narrow']],
              ['Slice', ['column_of', 'begin', 'hundred'], ['column_cut']],
              ['Shape', ['narrow'], ['size']],
              ['Expand', ['column_cut', 'size'], ['places']],
              ['ScatterElements', ['none', 'places', 'narrow'], ['y'], { axis: 0, reduction: 'add' }],
            ]
          : [
              ['Shape', ['column_of'], ['column_shape']],
              ['Slice', ['column_shape', 'begin', 'first'], ['rows']],
              ['Concat', ['rows', 'four'], ['size'], { axis: 0 }],
              ['Expand', ['column_of', 'size'], ['places']],
              ['Shape', ['places'], ['cut_to']],
              ['Slice', ['messages', 'start', 'cut_to'], ['short']],
              ['ScatterElements', ['none', 'places', 'short'], ['y'], { axis: 0, reduction: 'add' }],
            ]) as NodeSpec[]),
      ],
      outputs: { y: ['float32', ['n', 'f']] },
    };
    const path = buildFile(spec);
    const plain = await run(path, null);
    expect(await run(path, 7)).toEqual({ data: plain.data, streamed });
  });

  it('leave no tensor of all messages behind', async () => {
    const { copy } = await openAuditedFile({ model: 'models/gcn/model.onnx' });
    const { model } = copy();
    streamEdges(model);
    pruneUnused(model.graph);
    const columns = [...model.graph.nodes].filter((node) => node.is('Gather') && node.int('axis', 0) === -2);
    expect(columns).toEqual([]);
    expect(streamEdges(model).modified).toBe(false);
  });
});
