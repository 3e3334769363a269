import { describe, expect, it } from 'vitest';
import { audit } from '../../src/app/audit.js';
import { inspect } from '../../src/app/inspect.js';
import { normals } from '../../src/data/arrays/prng.js';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { readNumbers } from '../../src/onnx/tensors.js';
import { storedGraph } from '../../src/patterns/stored-graph.js';
import { buildGraphModel, type TensorSpec } from '../build.js';
import { newFile, npy, npz } from '../data/support.js';

const NODES = 12;
const FEATURES = 8;
const zoo = (name: string): string => `models/zoo/files/${name}.onnx`;
const features = npy('<f4', [NODES, FEATURES], normals(4, NODES * FEATURES));

/** What a file stores under a name. */
async function stored(file: string, name: string): Promise<number[]> {
  const { copy } = await openAuditedFile({ model: zoo(file) });
  const value = [...copy().model.graph.initializers].find((one) => one.name === name)!;
  return [...readNumbers(value.tensor!)];
}

describe('a graph network that stores its graph', () => {
  it.each(['ts17', 'dynamo18'])(
    'as an adjacency (%s) has the numbers of the same network that is fed it',
    async (exporter) => {
      const adj = npy(
        '<f4',
        [NODES, NODES],
        Float32Array.from(await stored('gcn-stored-adjacency-ts17', 'adj')),
      );
      const both = await newFile('both.npz', npz({ x: features, adj }));
      const alone = await newFile('alone.npz', npz({ x: features }));
      const fed = await audit({ model: zoo(`gcn-mm-${exporter}`), data: both, hash: false });
      const found = await audit({ model: zoo(`gcn-stored-adjacency-${exporter}`), data: alone, hash: false });
      expect(found.graph!.map(({ id }) => id)).toEqual(['0.mlp_post', '1.mlp_post', '2.output']);
      expect(found.graph).toEqual(fed.graph);
      expect(found.criterion.resolution).toBeNull();
      expect(found.sites.map(({ perNeuron }) => perNeuron.fired)).toEqual(
        fed.sites.map(({ perNeuron }) => perNeuron.fired),
      );
    },
  );

  it.each(['ts17', 'dynamo18'])(
    'as a list of edges (%s) has the numbers of the same network that is fed it',
    async (exporter) => {
      const ends = await stored('gcn-stored-edges-ts17', 'edge_index');
      const edge_index = npy('<i8', [2, ends.length / 2], BigInt64Array.from(ends, BigInt));
      const both = await newFile('both.npz', npz({ x: features, edge_index }));
      const alone = await newFile('alone.npz', npz({ x: features }));
      const fed = await audit({ model: zoo(`gcn-${exporter}`), data: both, hash: false });
      const found = await audit({ model: zoo(`gcn-stored-edges-${exporter}`), data: alone, hash: false });
      for (const [i, entry] of found.graph!.entries()) {
        for (const [name, value] of Object.entries(fed.graph![i]!)) {
          const got = entry[name as keyof typeof entry];
          if (typeof value === 'number')
            expect(Math.abs(Number(got) - value), name).toBeLessThanOrEqual(1e-6 * value);
          else expect(got, name).toBe(value);
        }
      }
      expect(found.graph!).toHaveLength(3);
      const told = await audit({ model: zoo(`gcn-stored-edges-${exporter}`), data: both, hash: false });
      expect(told.warnings.map(({ code }) => code)).toContain('stored-graph');
      expect(told.graph).toEqual(found.graph);
    },
  );

  it('says so, and how many nodes it has', async () => {
    const adjacency = await inspect({ model: zoo('gcn-stored-adjacency-ts17') });
    expect(adjacency).toMatchObject({
      kind: 'graph',
      storedGraph: { kind: 'adjacency', nodes: { nodes: NODES, exact: true } },
    });
    const edges = await inspect({ model: zoo('gcn-stored-edges-dynamo18') });
    expect(edges.storedGraph).toEqual({ kind: 'edges', nodes: { nodes: NODES, exact: false } });
    expect((await inspect({ model: zoo('gcn-mm-ts17') })).storedGraph).toBeNull();
  });

  it('takes random features of its own nodes, and no others', async () => {
    for (const [name, complaint] of [
      ['gcn-stored-adjacency-ts17', /"sample" has 1000 nodes, and the model stores a graph of 12:/],
      [
        'gcn-stored-edges-ts17',
        /the shape \[1000, 64\], but the model's input is "x" \(float32 \[nodes, 8\]\)/,
      ],
    ] as const) {
      const report = await audit({ model: zoo(name), data: 'random', hash: false });
      expect(report.data.positions).toBe(NODES);
      await expect(audit({ model: zoo(name), hash: false })).rejects.toThrow(complaint);
      const few = await newFile('few.npz', npz({ x: npy('<f4', [9, FEATURES], normals(4, 9 * FEATURES)) }));
      await expect(audit({ model: zoo(name), data: few, hash: false })).rejects.toThrow(
        /"few.npz" has 9 nodes/,
      );
    }
  });
});

describe('what is no stored graph', () => {
  it('is a stack of weights that multiply from the left, or a square weight beside others', () => {
    const square: TensorSpec = ['float32', [4, 4], 1];
    const columns = buildGraphModel({
      inputs: { x: ['float32', [4, 'n']] },
      initializers: { w0: square, w1: square },
      nodes: [
        ['MatMul', ['w0', 'x'], ['a']],
        ['Relu', ['a'], ['b']],
        ['MatMul', ['w1', 'b'], ['c']],
      ],
      outputs: ['c'],
    });
    expect(storedGraph(columns.graph)).toBeNull();
    const alone = buildGraphModel({
      inputs: { x: ['float32', [4, 'n']] },
      initializers: { w0: square },
      nodes: [
        ['MatMul', ['w0', 'x'], ['a']],
        ['Relu', ['a'], ['b']],
      ],
      outputs: ['b'],
    });
    expect(storedGraph(alone.graph)).toBeNull();
  });

  it('is a transform of the positions, which has negative numbers', () => {
    const model = (sign: number) =>
      buildGraphModel({
        inputs: { x: ['float32', [4, 3]] },
        initializers: {
          dct: ['float32', [4, 4], Float32Array.from({ length: 16 }, (_, k) => (k === 7 ? sign : 0.5))],
          w: ['float32', [3, 5], 1],
        },
        nodes: [
          ['MatMul', ['dct', 'x'], ['a']],
          ['MatMul', ['a', 'w'], ['b']],
          ['Relu', ['b'], ['c']],
        ],
        outputs: ['c'],
      }).graph;
    expect(storedGraph(model(-0.5))).toBeNull();
    expect(storedGraph(model(0.5))).toMatchObject({ kind: 'adjacency', nodes: 4 });
  });

  it.each([
    'mixer-ts17',
    'mixer-dynamo18',
    'gpt2-ts17',
    'llama-dynamo18',
    'mlp-gemm-ts17',
    'gcn-ts17',
    'gat-ts17',
  ])('%s', async (name) => {
    const { copy } = await openAuditedFile({ model: zoo(name) });
    expect(storedGraph(copy().model.graph)).toBeNull();
  });
});
