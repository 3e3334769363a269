import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { audit } from '../../src/app/audit.js';
import { numbersOf } from '../../src/data/arrays/convert.js';
import { readNpz } from '../../src/data/arrays/npz.js';
import { integersBelow, normals } from '../../src/data/arrays/prng.js';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { encodeOverlay } from '../../src/probe/overlay.js';
import { withGate } from '../../src/report/gate.js';
import { parseReport } from '../../src/report/json.js';
import { renderTable } from '../../src/report/table.js';
import { openSession } from '../../src/runtime/session.js';
import { buildFile } from '../build.js';
import { hasSharedData, newFile, npy, npz, sharedData } from '../data/support.js';
import { gcnSpec } from '../gcn-model.js';
import { smoothness } from '../smoothness.js';

/** A random graph of 60 nodes in a .npz. */
async function randomGraph(features: number): Promise<string> {
  const ends = BigInt64Array.from(integersBelow(60, 9, 2 * 240), BigInt);
  const arrays = {
    x: npy('<f4', [60, features], normals(4, 60 * features)),
    edge_index: npy('<i8', [2, 240], ends),
    val_mask: npy(
      '|b1',
      [60],
      Uint8Array.from({ length: 60 }, (_, node) => Number(node < 20)),
    ),
  };
  return newFile('graph.npz', npz(arrays));
}

describe('an audit of a graph network', () => {
  it('measures over-smoothing as plain code does on the raw embedding', async () => {
    const model = 'models/gcn/model.onnx';
    const report = await audit({ model, hash: false });
    const { copy } = await openAuditedFile({ model });
    const { model: loaded, sites, folder } = copy();
    const site = sites.find(({ id }) => id === '0.mlp_post')!;
    loaded.graph.addOutput(site.value);
    const session = await openSession({
      model: encodeOverlay(loaded, folder),
      folder,
      device: 'cpu',
      threads: 1,
    });
    const arrays = await readNpz('samples/graph.npz');
    const [x, edgeIndex] = [arrays.get('x')!, arrays.get('edge_index')!];
    const results = await session.run({ feeds: { x, edge_index: edgeIndex }, fetch: [site.value.name] });
    await session.dispose();
    const tensor = results[site.value.name]!;
    const [nodes, features] = tensor.dims as [number, number];
    const data = tensor.data as Float32Array;
    const rows = Array.from({ length: nodes }, (_, i) => [
      ...data.subarray(i * features, (i + 1) * features),
    ]);
    const ends = numbersOf(edgeIndex);
    const edges = Array.from({ length: edgeIndex.dims[1]! }, (_, e): [number, number] => [
      ends[e]!,
      ends[edgeIndex.dims[1]! + e]!,
    ]);
    expect(report.graph!.map(({ id }) => id)).toEqual(['0.mlp_post', '1.output']);
    const [found] = report.graph!;
    for (const [name, value] of Object.entries(smoothness(rows, edges))) {
      expect(found![name as keyof typeof found] as number, name).toBeCloseTo(value, 4);
    }
    expect(report.criterion.resolution).toBeNull();
  });

  it('agrees with NumPy, which computes with Laplacians and a singular value decomposition', async () => {
    const golden = JSON.parse(readFileSync('models/gcn/smoothing.json', 'utf8')) as Record<string, object>;
    const report = await audit({ model: 'models/gcn/model.onnx', hash: false });
    for (const found of report.graph!) {
      for (const [name, value] of Object.entries(golden[found.id]!)) {
        const measured = found[name as keyof typeof found] as number;
        expect(Math.abs(measured - value), name).toBeLessThanOrEqual(1e-5 * Math.abs(value));
      }
    }
  });

  it('looks at the split’s nodes for dead neurons, and at the whole graph for over-smoothing', async () => {
    const model = buildFile(gcnSpec({ layers: 3, features: 8, hidden: 6, classes: 2 }));
    const data = await randomGraph(8);
    const [all, val] = [await audit({ model, data }), await audit({ model, data, split: 'val' })];
    expect(all.sites[0]!.positions).toBe(60);
    expect(val.sites[0]!.positions).toBe(20);
    expect(val.graph).toEqual(all.graph);
  });

  it('gives no measure to what is not finite', async () => {
    const x = normals(4, 60 * 8);
    x[3] = Number.NaN;
    const ends = BigInt64Array.from(integersBelow(60, 9, 2 * 240), BigInt);
    const arrays = { x: npy('<f4', [60, 8], x), edge_index: npy('<i8', [2, 240], ends) };
    const data = await newFile('graph.npz', npz(arrays));
    const model = buildFile(gcnSpec({ layers: 2, features: 8, hidden: 6, classes: 2 }));
    const report = await audit({ model, data });
    expect(report.graph![0]).toMatchObject({ dirichletEnergy: null, effectiveRank: null });
    expect(report.warnings.map(({ code }) => code)).toContain('non-finite');
  });

  it('lists, charts and gates 128 layers', async () => {
    const model = buildFile(gcnSpec({ layers: 128, features: 8, hidden: 6, classes: 2, gain: 1.2 }));
    const report = await audit({ model, data: await randomGraph(8) });
    expect(report.sites).toHaveLength(2 * 127);
    expect(report.graph!.map(({ layer }) => layer)).toEqual(Array.from({ length: 128 }, (_, k) => k));
    expect(report.graph!.at(-1)!.id).toBe('127.output');
    const energies = report.graph!.map(({ dirichletEnergy }) => dirichletEnergy!);
    expect(energies[0]).toBeGreaterThan(1);
    expect(energies[126]).toBeLessThan(1e-3 * energies[0]!);
    expect(parseReport(JSON.stringify(report), 'deep.json').graph).toEqual(report.graph);

    const table = renderTable(report);
    expect(table).toMatch(/^energy {4}[▁▂▃▄▅▆▇█]{48} \S+ → \S+ by layer, logarithmic$/m);
    expect(table).toMatch(/… 112 more layers, in the JSON report/);
    const { gate } = withGate(report, [], { maxDeadRatio: 0 });
    const failed = report.sites.filter(({ site, dead }) => site === 'mlp_post' && dead > 0);
    expect(gate!.rules.filter(({ status }) => status === 'failed')).toHaveLength(failed.length);
  });

  it('keeps the measures of a finished run in its state', async () => {
    const model = buildFile(gcnSpec({ layers: 2, features: 8, hidden: 6, classes: 2 }));
    const data = await randomGraph(8);
    const resume = await newFile('state.json', '').then((path) => `${path}.state`);
    const first = await audit({ model, data, resume });
    expect((await audit({ model, data, resume })).graph).toEqual(first.graph);
  });
});

describe('an audit on Cora', () => {
  afterEach(() => {
    delete process.env.AUDIT_DATA_DIR;
  });

  it.skipIf(!hasSharedData || !existsSync(sharedData))(
    'sees 2,708 nodes, or the 500 of the validation split (skipped without ../shared/data)',
    async () => {
      process.env.AUDIT_DATA_DIR = sharedData;
      const model = buildFile(gcnSpec({ layers: 2, features: 1433, hidden: 16, classes: 7 }));
      const report = await audit({ model, data: 'cora', split: 'val' });
      expect(report.data).toMatchObject({ name: 'cora', split: 'val', positions: 500 });
      expect(report.graph![0]).toMatchObject({ nodes: 2708, neighbourPairs: 2 * 5278, features: 16 });
    },
  );
});
