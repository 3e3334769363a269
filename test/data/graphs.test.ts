import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { numbersOf } from '../../src/data/arrays/convert.js';
import { denseAdjacency, weightedEdges } from '../../src/data/graphs/adjacency.js';
import { type CoraSource, coraFolder, coraSource } from '../../src/data/graphs/cora.js';
import { readLinqs } from '../../src/data/graphs/linqs.js';
import { planetoidSplit } from '../../src/data/graphs/split.js';
import { edgeEnds, graphStructure } from '../../src/data/graphs/structure.js';
import { openData } from '../../src/data/open.js';
import type { DataSpec } from '../../src/data/spec.js';
import type { NdArray } from '../../src/onnx/array.js';
import { DataType } from '../../src/onnx/data-types.js';
import { fakeHub, hubAt } from './hub-server.js';
import {
  batchesOf,
  hasSharedData,
  input,
  newFile,
  newFolder,
  npy,
  npz,
  sharedData,
  spec,
} from './support.js';

/** A path of three nodes, both directions of each edge. */
const path = {
  x: npy('<f4', [3, 2], Float32Array.from([1, 2, 3, 4, 5, 6])),
  edge_index: npy('<i8', [2, 4], BigInt64Array.from([0n, 1n, 1n, 2n, 1n, 0n, 2n, 1n])),
  test_mask: npy('|b1', [3], Uint8Array.from([0, 1, 1])),
  y: npy('<i8', [3], BigInt64Array.from([0n, 1n, 0n])),
};

const gcn: Partial<DataSpec> = {
  inputs: [input('x', ['nodes', 2], DataType.FLOAT), input('edge_index', [2, 'edges'])],
  modelKind: 'graph',
};

const numbersIn = (array: NdArray): number[] => Array.from(numbersOf(array));

describe('graphs', () => {
  it('are one batch and a census of all nodes', async () => {
    const data = await newFile('g.npz', npz(path));
    const set = await openData(spec({ data, ...gcn }));
    const [batch, ...more] = await batchesOf(set);
    expect(more).toEqual([]);
    expect(set).toMatchObject({ kind: 'graph', census: true, masked: false, positions: 3 });
    expect(batch).toMatchObject({ positions: 3, sequences: 1, blocks: [0], mask: null });
    expect(batch!.feeds.edge_index!.dims).toEqual([2, 4]);
    expect(batch!.labels!.dims).toEqual([3]);
    expect(await batchesOf(set, 0)).toEqual([]);
  });

  it('use a split only when it is asked for', async () => {
    const data = await newFile('g.npz', npz(path));
    const set = await openData(spec({ data, split: 'test', ...gcn }));
    const [batch] = await batchesOf(set);
    expect(set).toMatchObject({ masked: true, positions: 2 });
    expect([...(batch!.mask!.data as Uint8Array)]).toEqual([0, 1, 1]);
    await expect(openData(spec({ data, split: 'val', ...gcn }))).rejects.toThrow(
      /expected an array "val_mask"/,
    );
  });

  it('have whole node numbers, and a weight for every edge', async () => {
    for (const [bad, found] of [
      [0.5, '0.5'],
      [Number.NaN, 'NaN'],
    ] as const) {
      const edges = npy('<f4', [2, 2], Float32Array.of(0, 1, bad, 0));
      const data = await newFile('g.npz', npz({ x: path.x, edge_index: edges }));
      await expect(openData(spec({ data, ...gcn }))).rejects.toThrow(
        `holds ${found}: expected numbers of nodes`,
      );
    }
    const whole = npy('<f4', [2, 2], Float32Array.of(0, 1, 1, 0));
    const data = await newFile('g.npz', npz({ x: path.x, edge_index: whole }));
    expect((await batchesOf(await openData(spec({ data, ...gcn }))))[0]!.feeds.edge_index!.type).toBe(
      'int64',
    );
    const inputs = [...gcn.inputs!, input('edge_weight', ['edges'], DataType.FLOAT)];
    const weights = npy('<f4', [1], Float32Array.of(1));
    const short = await newFile('g.npz', npz({ ...path, edge_weight: weights }));
    await expect(openData(spec({ data: short, ...gcn, inputs }))).rejects.toThrow(
      /gives \[1\] .*"edge_weight".* expected a weight for each of the 4 edges/,
    );
  });

  it('list the edges of an adjacency for a model that takes a list', async () => {
    const adj = npy('<f4', [3, 3], Float32Array.of(0, 1, 0, 1, 0, 1, 0, 1, 0));
    const data = await newFile('g.npz', npz({ x: path.x, adj }));
    const [batch] = await batchesOf(await openData(spec({ data, ...gcn })));
    expect([...numbersIn(batch!.feeds.edge_index!)]).toEqual([1, 0, 2, 1, 0, 1, 1, 2]);
  });

  it('give the dense normalised adjacency to models that ask for it', async () => {
    const data = await newFile('g.npz', npz(path));
    const inputs = [input('features', ['n', 2], DataType.FLOAT), input('adj', ['n', 'n'], DataType.FLOAT)];
    const [batch] = await batchesOf(await openData(spec({ data, modelKind: 'graph', inputs })));
    const half = 1 / 2;
    const across = 1 / Math.sqrt(6);
    const expected = [half, across, 0, across, 1 / 3, across, 0, across, half];
    for (const [at, value] of Array.from(numbersOf(batch!.feeds.adj!)).entries()) {
      expect(value).toBeCloseTo(expected[at]!, 6);
    }
    expect(batch!.feeds.features!.dims).toEqual([3, 2]);
  });

  it('count a repeated edge and a listed self loop once', () => {
    const plain = denseAdjacency(Int32Array.of(0, 1, 1, 0), 2);
    expect(denseAdjacency(Int32Array.of(0, 1, 0, 0, 1, 0, 1, 0), 2)).toEqual(plain);
  });

  it('add self loops and normalise only where the model does not', () => {
    const ends = Int32Array.of(0, 1, 1, 1, 0, 1);
    const [from, to] = [
      [0, 1, 1],
      [1, 0, 1],
    ];
    const raw = { selfLoops: false, normalised: false };
    expect([...denseAdjacency(ends, 3, raw).data]).toEqual([0, 1, 0, 1, 1, 0, 0, 0, 0]);
    const loops = { selfLoops: true, normalised: false };
    expect([...denseAdjacency(ends, 3, loops).data]).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 1]);
    expect([...numbersIn(weightedEdges(ends, 3, raw).edges)]).toEqual([...from, ...to]);
    expect([...weightedEdges(ends, 3, raw).weights.data]).toEqual([1, 1, 1]);
    const { edges, weights } = weightedEdges(ends, 3, { selfLoops: true, normalised: true });
    expect([...numbersIn(edges)]).toEqual([0, 1, 0, 1, 2, 1, 0, 0, 1, 2]);
    expect([...weights.data]).toEqual([0.5, 0.5, 0.5, 0.5, 1]);
  });

  it('give self loops and weights to a model that takes both and normalises nothing', async () => {
    const data = await newFile('g.npz', npz(path));
    const inputs = [...gcn.inputs!, input('edge_weight', ['edges'], DataType.FLOAT)];
    const [batch] = await batchesOf(await openData(spec({ data, ...gcn, inputs })));
    expect(batch!.feeds.edge_index!.dims).toEqual([2, 7]);
    expect(numbersIn(batch!.feeds.edge_weight!)[6]).toBeCloseTo(1 / 2, 6);
    const graphNeeds = { selfLoops: false, normalised: false };
    const [plain] = await batchesOf(await openData(spec({ data, ...gcn, inputs, graphNeeds })));
    expect([...numbersIn(plain!.feeds.edge_weight!)]).toEqual([1, 1, 1, 1]);
    const own = { ...path, edge_weight: npy('<f4', [4], Float32Array.of(5, 6, 7, 8)) };
    const given = await openData(spec({ data: await newFile('g.npz', npz(own)), ...gcn, inputs }));
    const [weighted] = await batchesOf(given);
    expect([...numbersIn(weighted!.feeds.edge_weight!)]).toEqual([5, 6, 7, 8]);
    expect(weighted!.feeds.edge_index!.dims).toEqual([2, 4]);
  });

  it('fill a node mask with ones, and a batch of one graph where the model wants a leading axis', async () => {
    const data = await newFile('g.npz', npz(path));
    const inputs = [
      input('x', [1, 'n', 2], DataType.FLOAT),
      input('adj', [1, 'n', 'n'], DataType.FLOAT),
      input('mask', [1, 'n'], DataType.BOOL),
    ];
    const [batch] = await batchesOf(await openData(spec({ data, ...gcn, inputs })));
    expect(batch!.feeds.x!.dims).toEqual([1, 3, 2]);
    expect(batch!.feeds.adj!.dims).toEqual([1, 3, 3]);
    expect(batch!.feeds.mask).toEqual({ type: 'bool', dims: [1, 3], data: Uint8Array.of(1, 1, 1) });
  });

  it('know who is whose neighbour: once each, not oneself', () => {
    const listed = (ends: number[]) => ({
      type: 'int64' as const,
      dims: [2, ends.length / 2],
      data: BigInt64Array.from(ends, BigInt),
    });
    const of = (edges: ReturnType<typeof listed>) =>
      graphStructure(edges, edgeEnds(edges, 3, 'test'), 3, 'edge_index');
    const plain = listed([0, 1, 1, 2, 1, 1, 0, 2, 1, 1]);
    const known = of(plain);
    expect(known.input).toBe('edge_index');
    expect(known.pairs.data).toBe(plain.data);
    const twice = of(listed([0, 0, 1, 2, 1, 1, 0, 1]));
    expect(twice.input).toBeNull();
    expect([...numbersIn(twice.pairs)]).toEqual([0, 1, 2, 1, 0, 1]);
    expect([...twice.degrees.data]).toEqual([1, 2, 0]);
  });

  it('have the edges of the dense adjacency they hold', async () => {
    const adj = npy('<f4', [3, 3], Float32Array.of(1, 0.5, 0, 0.5, 1, 0.2, 0, 0.2, 1));
    const data = await newFile('g.npz', npz({ x: path.x, adj }));
    const inputs = [gcn.inputs![0]!, input('adj', ['n', 'n'], DataType.FLOAT)];
    const set = await openData(spec({ data, ...gcn, inputs }));
    expect(set.graph).toMatchObject({ degrees: { data: Float32Array.of(1, 2, 1) }, input: null });
  });

  it('go to the first shard whole', async () => {
    const data = await newFile('g.npz', npz(path));
    const shard = (index: number) => openData(spec({ data, ...gcn, shard: { index, count: 2 } }));
    expect(await batchesOf(await shard(0))).toHaveLength(1);
    expect(await batchesOf(await shard(1))).toHaveLength(0);
  });

  it('that do not fit are refused', async () => {
    const bad = { ...path, edge_index: npy('<i8', [2, 1], BigInt64Array.of(0n, 3n)) };
    await expect(openData(spec({ data: await newFile('g.npz', npz(bad)), ...gcn }))).rejects.toThrow(
      /ends at node 3, but there are 3 nodes/,
    );
    const fixed = [input('x', [5, 2], DataType.FLOAT), input('edge_index', [2, 'edges'])];
    await expect(
      openData(spec({ data: await newFile('g.npz', npz(path)), modelKind: 'graph', inputs: fixed })),
    ).rejects.toThrow(/fixes another size of graph/);
    const inputs = [...gcn.inputs!, input('time', [1], DataType.FLOAT)];
    await expect(
      openData(spec({ data: await newFile('g.npz', npz(path)), modelKind: 'graph', inputs })),
    ).rejects.toThrow(/input "time" \(float32 \[1\]\) cannot be filled/);
  });

  it('come at random, the same each time', async () => {
    const one = await batchesOf(await openData(spec({ data: 'random', ...gcn })));
    expect(one).toEqual(await batchesOf(await openData(spec({ data: 'random', ...gcn }))));
    expect(one[0]!.feeds.x!.dims).toEqual([256, 2]);
  });

  it('ship as the sample', async () => {
    const inputs = [input('x', ['nodes', null], DataType.FLOAT), input('edge_index', [2, 'edges'])];
    const set = await openData(spec({ data: 'sample', modelKind: 'graph', inputs }));
    expect(set).toMatchObject({ census: true, description: { name: 'sample' } });
    expect(set.positions).toBeGreaterThan(50);
  });
});

describe('LINQS folders', () => {
  afterEach(() => {
    delete process.env.AUDIT_DATA_DIR;
  });

  const small: Partial<DataSpec> = { ...gcn };

  it('become features, edges in both directions, labels and splits', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'cora.content'), 'a\t1\t0\tred\nb\t0\t1\tblue\nc\t1\t1\tred\n');
    await writeFile(join(folder, 'cora.cites'), 'a\tb\nb\ta\nb\tc\nc\tc\nc\tunknown\n');
    await writeFile(join(folder, 'planetoid-split.json'), '{"train": ["a"], "test": ["c"]}');
    const [batch] = await batchesOf(await openData(spec({ data: folder, split: 'test', ...small })));
    expect(Array.from(numbersOf(batch!.feeds.edge_index!))).toEqual([0, 1, 1, 2, 1, 0, 2, 1]);
    expect([...(batch!.labels!.data as BigInt64Array)]).toEqual([0n, 1n, 0n]);
    expect([...(batch!.mask!.data as Uint8Array)]).toEqual([0, 0, 1]);
    process.env.AUDIT_DATA_DIR = folder;
    expect((await openData(spec({ data: 'cora', ...small }))).positions).toBe(3);
    await writeFile(join(folder, 'cora.content'), 'a\t1\t0\tred\nb\t0\tblue\n');
    await expect(openData(spec({ data: folder, ...small }))).rejects.toThrow(/Line 2 of .*cora\.content/);
  });

  it.each([
    ['{"train": ["a"]', /is no split of a graph \(it is not JSON\)/],
    ['{"train": "a"}', /is no split of a graph \(train: .*\): expected node ids by split/],
    [
      '{"train": ["a", "nowhere"]}',
      /Split "train" of .* names the node nowhere, which the graph does not have/,
    ],
  ])('refuse the split %s', async (split, sentence) => {
    const folder = await newFolder();
    await writeFile(join(folder, 'cora.content'), 'a\t1\t0\tred\nb\t0\t1\tblue\n');
    await writeFile(join(folder, 'cora.cites'), 'a\tb\n');
    await writeFile(join(folder, 'planetoid-split.json'), split);
    await expect(openData(spec({ data: folder, ...small }))).rejects.toThrow(sentence);
  });

  it('refuse a node that is defined twice', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'cora.content'), 'a\t1\t0\tred\na\t0\t1\tblue\n');
    await writeFile(join(folder, 'cora.cites'), 'a\ta\n');
    await expect(openData(spec({ data: folder, ...small }))).rejects.toThrow(
      /defines the node a a second time/,
    );
  });

  it.skipIf(!hasSharedData)('hold the real Cora (skipped without ../shared/data)', async () => {
    process.env.AUDIT_DATA_DIR = sharedData;
    const inputs = [input('x', ['nodes', 1433], DataType.FLOAT), input('edge_index', [2, 'edges'])];
    const set = await openData(spec({ data: 'cora', modelKind: 'graph', inputs }));
    const [batch] = await batchesOf(set);
    expect(batch!.feeds.x!.dims).toEqual([2708, 1433]);
    expect(batch!.feeds.edge_index!.dims).toEqual([2, 2 * 5278]);
    const test = await openData(spec({ data: 'cora', split: 'test', modelKind: 'graph', inputs }));
    expect(test.positions).toBe(1000);
  });

  it('without a split of their own are split as Planetoid does, in the order of the file', async () => {
    const classes = Array.from({ length: 1640 }, (_, node) => node % 7);
    const split = planetoidSplit(classes)!;
    const nodesOf = (mask: Uint8Array) => [...mask.keys()].filter((node) => mask[node]);
    expect(nodesOf(split.train)).toEqual(Array.from({ length: 140 }, (_, node) => node));
    expect(nodesOf(split.val)).toEqual(Array.from({ length: 500 }, (_, at) => 140 + at));
    expect(nodesOf(split.test)).toEqual(Array.from({ length: 1000 }, (_, at) => 640 + at));
    expect(planetoidSplit(classes.slice(1))).toBeNull();
    const lines = classes.map((label, node) => `p${node}\t1\t0\tclass${label}\n`);
    const folder = await newFolder();
    await writeFile(join(folder, 'big.content'), lines.join(''));
    await writeFile(join(folder, 'big.cites'), 'p0\tp1\n');
    const set = await openData(spec({ data: folder, split: 'val', ...small }));
    expect(set).toMatchObject({ masked: true, positions: 500 });
  });
});

describe('Cora', () => {
  const content = Buffer.from(Array.from({ length: 300 }, (_, i) => `p${i}\t${i % 2}\t1\tTheory\n`).join(''));
  const cites = Buffer.from('p0\tp1\np1\tp2\n');
  const file = (bytes: Buffer) => ({
    bytes: bytes.length,
    digest: { algorithm: 'sha256' as const, hex: createHash('sha256').update(bytes).digest('hex') },
  });
  const source = (url: string): CoraSource => ({
    url,
    version: 'v1',
    files: { 'cora.cites': file(cites), 'cora.content': file(content) },
  });

  /** The stand-in for the hub redirects `…/resolve/<revision>/<name>` to the host that holds the content. */
  async function serve() {
    const server = await fakeHub({ 'cora.content': content, 'cora.cites': cites });
    return { server, url: `${server.endpoint}/cora/resolve/v1`, hub: await hubAt(server.endpoint) };
  }

  it('is downloaded once, checked, and then comes from the cache', async () => {
    const { server, url, hub } = await serve();
    const stages: string[] = [];
    const options = { dataDir: '', url: '', source: source(url) };
    const folder = await coraFolder({ onStage: (stage) => stages.push(stage) }, hub, options);
    expect(folder).toBe(join(hub.cacheDir, 'graphs/cora/v1'));
    expect((await readLinqs(folder)).get('edge_index')!.dims).toEqual([2, 4]);
    expect(stages).toEqual([
      expect.stringMatching(/downloading cora\.cites/),
      expect.stringMatching(/cora\.content/),
    ]);
    const requests = server.log.length;
    expect(await coraFolder({}, { ...hub, offline: true }, options)).toBe(folder);
    expect(server.log.length).toBe(requests);
  });

  it('comes from another place where AUDIT_CORA_URL says so, and is continued where the connection broke', async () => {
    const { server, url, hub } = await serve();
    server.breaks = 2;
    await coraFolder({}, hub, { dataDir: '', url: `${url}/`, source: source('http://127.0.0.1:1/nowhere') });
    expect(server.log.some(({ range }) => range !== null)).toBe(true);
    expect(await readdir(join(hub.cacheDir, 'graphs/cora/v1'))).toEqual(['cora.cites', 'cora.content']);
  });

  it('that is not what is pinned is deleted, and what is nowhere ends with what to do', async () => {
    const { server, url, hub } = await serve();
    const none = { dataDir: '', url: '', source: source(url) };
    await expect(coraFolder({}, { ...hub, offline: true }, none)).rejects.toThrow(/AUDIT_DATA_DIR/);
    server.lies = true;
    await expect(coraFolder({}, hub, none)).rejects.toThrow(
      /other content .* than it announced.*AUDIT_CORA_URL/s,
    );
    expect(await readdir(join(hub.cacheDir, 'graphs/cora/v1'))).toEqual([]);
    const unreachable = { ...none, url: 'http://127.0.0.1:1/' };
    await expect(coraFolder({}, hub, unreachable)).rejects.toThrow(
      /Could not download Cora.*AUDIT_CORA_URL/s,
    );
  });

  it('is pinned to one version', () => {
    expect(coraSource.url).toContain(coraSource.version);
    expect(Object.keys(coraSource.files)).toEqual(['cora.cites', 'cora.content']);
  });
});
