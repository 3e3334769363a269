import { afterAll, describe, expect, it } from 'vitest';
import { splitMix32 } from '../../src/data/arrays/prng.js';
import { edgeEnds, graphStructure } from '../../src/data/graphs/structure.js';
import { toOnnx } from '../../src/graph/to-onnx.js';
import {
  layerSmoothing,
  readSmoothing,
  smoothingFeeds,
  smoothingOutputs,
} from '../../src/measure/smoothing.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { addSmoothing } from '../../src/probe/smoothing.js';
import type { GraphReport } from '../../src/report/schema.js';
import { openSession } from '../../src/runtime/session.js';
import type { Session } from '../../src/runtime/types.js';
import { type Embedding, embeddingsOf } from '../../src/sites/embeddings.js';
import type { Site } from '../../src/sites/types.js';
import { buildGraphModel } from '../build.js';
import { smoothness, undirected } from '../smoothness.js';

type Edges = [number, number][];
type Measures = Omit<GraphReport, 'id' | 'stack' | 'layer' | 'site' | 'part'>;

const sessions: Session[] = [];
afterAll(async () => {
  for (const session of sessions) await session.dispose();
});

/** The measures of X = `rows` on a graph, as the overlay computes them; `skip` feeds 0 for `enabled`. */
async function measure(
  rows: number[][],
  edges: Edges,
  { chunkNumbers = 64, fedAsInput = false, opset = 17, nodes = rows.length } = {},
): Promise<Measures | undefined> {
  const features = rows[0]!.length;
  const inputs = { x: ['float32', ['n', features]] as [string, (string | number)[]] };
  const model = buildGraphModel({
    opset,
    inputs: { ...inputs, ...(fedAsInput ? { edge_index: ['int64', [2, 'e']] } : {}) },
    nodes: [['Identity', ['x'], ['y']]],
    outputs: ['y'],
  });
  const { graph } = model;
  const y = graph.outputs[0]!;
  graph.setOutputs([]);
  const site = {
    id: '0.mlp_post',
    stack: '',
    layer: 0,
    site: 'mlp_post',
    part: '',
    neurons: features,
  } as Site & Embedding;
  const input = fedAsInput ? 'edge_index' : null;
  const probes = addSmoothing(model, [{ site, rows: y }], { edges: input, chunkNumbers })!;
  const session = await openSession({
    model: encodeModel(toOnnx(model)),
    folder: '.',
    device: 'cpu',
    threads: 1,
  });
  sessions.push(session);
  const ends = [...edges.map(([from]) => from), ...edges.map(([, to]) => to)];
  const edgeIndex = {
    type: 'int64' as const,
    dims: [2, edges.length],
    data: BigInt64Array.from(ends, BigInt),
  };
  const structure = graphStructure(edgeIndex, edgeEnds(edgeIndex, nodes, 'test'), nodes, input);
  const results = await session.run({
    feeds: {
      x: { type: 'float32', dims: [rows.length, features], data: Float32Array.from(rows.flat()) },
      ...(fedAsInput && structure.input ? { edge_index: edgeIndex } : {}),
      ...smoothingFeeds(probes, structure, true),
    },
    fetch: smoothingOutputs(probes),
  });
  const [report] = layerSmoothing(readSmoothing(probes, results));
  return report;
}

function expectMeasures(found: Measures | undefined, expected: Partial<Measures>, digits = 6): void {
  for (const [name, value] of Object.entries(expected)) {
    const got = found?.[name as keyof Measures];
    expect(got, name).toBeTypeOf('number');
    expect(
      Math.abs(got! - value!) / Math.max(1, Math.abs(value!)),
      `${name}: ${got} for ${value}`,
    ).toBeLessThan(10 ** -digits);
  }
}

describe('over-smoothing of graphs computed by hand', () => {
  it('of a path 0 – 1 – 2 with the features 0, 1, 3', async () => {
    // Energy: pairs (0,1) and (1,2) twice each: 2·1 + 2·4 = 10. Mean 4/3: 16/9 + 1/9 + 25/9 = 42/9.
    // Degrees 1, 2, 1: (0 − 1/√3)² + (1/√3 − 3/√2)². The zero row is unlike the others: two pairs of distance
    // 1.
    expectMeasures(
      await measure(
        [[0], [1], [3]],
        undirected([
          [0, 1],
          [1, 2],
        ]),
      ),
      {
        nodes: 3,
        neighbourPairs: 4,
        dirichletEnergy: Math.sqrt(10 / 3),
        distanceToMean: Math.sqrt(42) / 3,
        degreeNormalisedDirichletEnergy: 1 / 3 + (1 / Math.sqrt(3) - 3 / Math.sqrt(2)) ** 2,
        meanAverageDistance: 2 / 3,
        effectiveRank: 1,
        zeroShare: 1 / 3,
      },
    );
  });

  it('of a star with centre (1, 0) and four leaves (0, 1)', async () => {
    const rows = [
      [1, 0],
      [0, 1],
      [0, 1],
      [0, 1],
      [0, 1],
    ];
    // 8 pairs, each ‖·‖² = 2 and cosine 0. Singular values 1 and 2.
    const entropy = Math.log(3) / 3 + (2 / 3) * Math.log(3 / 2);
    expectMeasures(
      await measure(
        rows,
        undirected([
          [0, 1],
          [0, 2],
          [0, 3],
          [0, 4],
        ]),
      ),
      {
        dirichletEnergy: Math.sqrt(16 / 5),
        distanceToMean: Math.sqrt(4 / 5 + 4 / 5),
        degreeNormalisedDirichletEnergy: 4 * (1 / 5 + 1 / 2),
        meanAverageDistance: 8 / 5,
        effectiveRank: Math.exp(entropy),
        zeroShare: 1 / 2,
      },
    );
  });

  it('of a complete graph of four nodes with one feature each', async () => {
    const rows = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((k) => (i === k ? 2 : 0)));
    const edges: Edges = [];
    for (let i = 0; i < 4; i++) for (let j = 0; j < 4; j++) if (i !== j) edges.push([i, j]);
    // 12 pairs of ‖·‖² = 8; all degrees 3, so the normalised energy is ½ · 12 · 8/4.
    expectMeasures(await measure(rows, edges), {
      dirichletEnergy: Math.sqrt(24),
      distanceToMean: Math.sqrt(12),
      degreeNormalisedDirichletEnergy: 12,
      meanAverageDistance: 3,
      effectiveRank: 4,
      zeroShare: 0.75,
    });
  });

  it('is zero where all rows are equal, but for the degree-normalised energy', async () => {
    for (const value of [0.1, -7.3e-20, 3e15]) {
      const rows = Array.from({ length: 50 }, () => [value, value / 3]);
      const edges = undirected(Array.from({ length: 49 }, (_, i): [number, number] => [i, i + 1]));
      const found = await measure(rows, edges);
      expect(found).toMatchObject({ dirichletEnergy: 0, distanceToMean: 0, meanAverageDistance: 0 });
      expect(found!.degreeNormalisedDirichletEnergy).toBeGreaterThan(0);
      expect(found!.effectiveRank).toBeCloseTo(1, 6);
    }
    expect(await measure([[0], [0]], undirected([[0, 1]]))).toMatchObject({
      dirichletEnergy: 0,
      distanceToMean: 0,
      degreeNormalisedDirichletEnergy: 0,
      meanAverageDistance: 0,
      effectiveRank: 0,
      zeroShare: 1,
    });
  });

  it('has a degree-normalised energy of zero where rows are as √(1 + degree)', async () => {
    const found = await measure(
      [[Math.SQRT2], [Math.sqrt(3)], [Math.SQRT2]],
      undirected([
        [0, 1],
        [1, 2],
      ]),
    );
    expect(found!.degreeNormalisedDirichletEnergy).toBeLessThan(1e-13);
    expect(found!.dirichletEnergy).toBeGreaterThan(0.2);
  });
});

describe('over-smoothing of random graphs', () => {
  const random = (seed: number) => {
    const draw = splitMix32(seed);
    return () => draw() / 2 ** 32;
  };

  it.each([
    { chunkNumbers: 2 ** 20, opset: 17 },
    { chunkNumbers: 36, opset: 17 },
    { chunkNumbers: 64, opset: 7 },
    { chunkNumbers: 64, opset: 10 },
    { chunkNumbers: 64, opset: 13 },
    { chunkNumbers: 64, opset: 18 },
  ])('agrees with the definitions in chunks of $chunkNumbers numbers, opset $opset', async (options) => {
    const next = random(5);
    const rows = Array.from({ length: 83 }, () =>
      Array.from({ length: 6 }, () => Math.fround(Math.max(0, next() - 0.4))),
    );
    const edges = Array.from({ length: 300 }, (): [number, number] => [
      Math.floor(next() * 83),
      Math.floor(next() * 83),
    ]);
    expectMeasures(await measure(rows, edges, options), smoothness(rows, edges));
  });

  it('keeps its digits where an embedding has faded to 1e-30', async () => {
    const next = random(11);
    const rows = Array.from({ length: 20 }, () =>
      Array.from({ length: 3 }, () => Math.fround(1e-30 * next())),
    );
    const edges = undirected(Array.from({ length: 19 }, (_, i): [number, number] => [i, i + 1]));
    const found = await measure(rows, edges);
    const expected = smoothness(rows, edges);
    expect(found!.dirichletEnergy! / expected.dirichletEnergy).toBeCloseTo(1, 6);
    expect(found!.distanceToMean! / expected.distanceToMean).toBeCloseTo(1, 6);
    expect(found!.meanAverageDistance).toBeCloseTo(expected.meanAverageDistance, 6);
  });

  it('reads the pairs from an input of the model where that lists each once', async () => {
    const edges = undirected([
      [0, 1],
      [1, 2],
    ]);
    const rows = [
      [1, 2],
      [3, 5],
      [0, 1],
    ];
    expectMeasures(await measure(rows, edges, { fedAsInput: true }), smoothness(rows, edges));
  });

  it('of a graph without edges is zero, and NaN gives no measure', async () => {
    expect(await measure([[1], [2]], [])).toMatchObject({ dirichletEnergy: 0, meanAverageDistance: 0 });
    expect(await measure([[1], [Number.NaN]], undirected([[0, 1]]))).toMatchObject({
      dirichletEnergy: null,
      distanceToMean: null,
      effectiveRank: null,
    });
  });

  it('is not asked where the rows are not the nodes, as after pooling', async () => {
    expect(await measure([[1], [2]], undirected([[0, 4]]), { nodes: 5 })).toBeUndefined();
  });
});

describe('sites with an embedding', () => {
  const site = (id: string): Site => {
    const [layer, name] = id.split('.');
    return { id, stack: '', layer: Number(layer), site: name, part: '', axis: -1 } as Site;
  };

  it('are what comes after the activation, or a last attention layer’s output', () => {
    const ids = ['0.attn_out', '0.mlp_pre', '0.mlp_post', '1.attn_out'];
    const { graph } = buildGraphModel({ inputs: { x: ['float32', ['n', 2]] }, nodes: [], outputs: [] });
    expect(embeddingsOf(graph, ids.map(site), ids.map(site)).map(({ id }) => id)).toEqual([
      '0.mlp_post',
      '1.attn_out',
    ]);
  });
});
