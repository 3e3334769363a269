import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { audit } from '../../src/app/audit.js';
import { mergeReports } from '../../src/app/merge.js';
import type { AuditReport } from '../../src/report/schema.js';
import { buildFile, type ModelSpec } from '../build.js';
import { writeNpz } from '../npz.js';

/** h = relu(x − 1), then relu(h·w): a row lives where an element of it is above 1 (and above 2 in the second layer). */
const mlp: ModelSpec = {
  inputs: { x: ['float32', ['rows', 2]] },
  initializers: {
    eye: ['float32', [2, 2], [1, 0, 0, 1]],
    one: ['float32', [2], -1],
    v: ['float32', [2, 2], [1, 0, 0, 1]],
  },
  nodes: [
    ['Gemm', ['x', 'eye', 'one'], ['pre0']],
    ['Relu', ['pre0'], ['post0']],
    ['Gemm', ['post0', 'eye', 'one'], ['pre1']],
    ['Relu', ['pre1'], ['post1']],
    ['Gemm', ['post1', 'v'], ['y']],
  ],
  outputs: ['y'],
};

const rows = [
  [0, 0],
  [0, 1.5],
  [3, 0],
  [0.5, -4],
  [2.5, 2.5],
];
const data = () => {
  const path = join(mkdtempSync(join(tmpdir(), 'audit-alive-')), 'x.npz');
  return writeNpz(path, { x: { dims: [5, 2], data: Float32Array.from(rows.flat()) } });
};

const shares = ({ layers }: AuditReport) => layers.map(({ aliveShare }) => aliveShare);

describe('aliveShare', () => {
  it('is the share of data points that each layer leaves alive', async () => {
    const report = await audit({ model: buildFile(mlp), data: data(), device: 'cpu', batchSize: 2 });
    expect(shares(report)).toEqual([3 / 5, 2 / 5]);
  });

  it('counts records, not pixels, in a convolutional network', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'audit-alive-')), 'x.npz');
    const images = [
      [0, 0, 0, 0],
      [0, 0, 0, 5],
      [2, 2, 2, 2],
    ];
    writeNpz(path, { x: { dims: [3, 1, 2, 2], data: Float32Array.from(images.flat()) } });
    const model = buildFile({
      inputs: { x: ['float32', ['n', 1, 2, 2]] },
      initializers: {
        k: ['float32', [1, 1, 1, 1], 1],
        b: ['float32', [1], -1],
        shape: ['int64', [2], [0, -1]],
        w: ['float32', [4, 1], 1],
        c: ['float32', [1], -3.5],
        v: ['float32', [1, 1], 1],
      },
      nodes: [
        ['Conv', ['x', 'k', 'b'], ['pre0']],
        ['Relu', ['pre0'], ['post0']],
        ['Reshape', ['post0', 'shape'], ['flat']],
        ['Gemm', ['flat', 'w', 'c'], ['pre1']],
        ['Relu', ['pre1'], ['post1']],
        ['Gemm', ['post1', 'v'], ['y']],
      ],
      outputs: ['y'],
    });
    const report = await audit({ model, data: path, device: 'cpu' });
    expect(shares(report)).toEqual([2 / 3, 2 / 3]);
  });

  it('of merged shards is that of the whole', async () => {
    const options = { model: buildFile(mlp), data: data(), device: 'cpu' } as const;
    const whole = await audit(options);
    const named = [];
    for (const index of [0, 1]) {
      named.push({ path: `${index}`, report: await audit({ ...options, shard: `${index}/2` }) });
    }
    expect(shares(mergeReports(named))).toEqual(shares(whole));
  });

  it('is kept by a run that is taken up again', async () => {
    const resume = join(mkdtempSync(join(tmpdir(), 'audit-alive-')), 'state');
    const options = { model: buildFile(mlp), data: data(), device: 'cpu', batchSize: 2, resume } as const;
    const stop = new AbortController();
    const first = await audit({ ...options, signal: stop.signal, onProgress: () => stop.abort() });
    expect(first.data.complete).toBe(false);
    const second = await audit(options);
    expect(second.data.complete).toBe(true);
    expect(shares(second)).toEqual([3 / 5, 2 / 5]);
  });

  it('is there for the layers that are read, also when earlier ones are not', async () => {
    const report = await audit({ model: buildFile(mlp), data: data(), device: 'cpu', layers: [1] });
    expect(report.layers.map(({ layer, aliveShare }) => [layer, aliveShare])).toEqual([[1, 2 / 5]]);
  });

  it('is absent where the network is no rectifier network', async () => {
    const nodes = mlp.nodes.map((node) => (node[1][0] === 'pre0' ? ['Tanh', ['pre0'], ['post0']] : node));
    const model = buildFile({ ...mlp, nodes: nodes as ModelSpec['nodes'] });
    const report = await audit({ model, data: data(), device: 'cpu' });
    expect(shares(report)).toEqual([undefined, undefined]);
  });
});
