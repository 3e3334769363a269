import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { audit } from '../../src/app/audit.js';
import { flip } from '../../src/repair/flip/flip.js';
import { addLineage } from '../../src/repair/lineage.js';
import { prune } from '../../src/repair/prune/prune.js';
import { strip } from '../../src/repair/strip/strip.js';
import { undoStrip } from '../../src/repair/strip/undo.js';
import { swap } from '../../src/repair/swap/swap.js';
import { auditReportSchema } from '../../src/report/schema.js';
import { buildGraphModel } from '../build.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-lineage-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const model = 'models/mlp/model.onnx';
const few = { data: 'models/mlp/inputs.npz', threads: 1, device: 'cpu' } as const;
const parent = createHash('sha256').update(readFileSync(model)).digest('hex');
const lineageOf = async (path: string, hash = true) => (await audit({ ...few, model: path, hash })).lineage;

describe('the lineage in an audit', () => {
  it('of a stripped file is that of its record, as long as the file is as the strip left it', async () => {
    const output = join(folder, 'stripped.onnx');
    const dead = { dead: 'frequency', deadBelow: 0.1 } as const;
    await strip({ ...few, ...dead, model, to: { output }, fraction: 0.25 });
    const lineage = { parent, command: 'audit strip --by weight --fraction 0.25 --rounds 1' };
    const report = await audit({ ...few, model: output });
    expect(report.lineage).toEqual(lineage);
    expect(auditReportSchema.parse(report).lineage).toEqual(lineage);
    // Without hashes nobody knows that the record is of this file.
    expect(await lineageOf(output, false)).toBeUndefined();
    // A record beside another file says nothing of it, nor does one that is damaged.
    const other = join(folder, 'other.onnx');
    copyFileSync(model, other);
    copyFileSync(`${output}.strip.json`, `${other}.strip.json`);
    expect(await lineageOf(other)).toBeUndefined();
    writeFileSync(`${other}.strip.json`, '{');
    expect(await lineageOf(other)).toBeUndefined();
    await undoStrip(output);
    expect(await lineageOf(output)).toBeUndefined();
  }, 60_000);

  it('of a pruned file and of a swapped one is in its metadata', async () => {
    const pruned = join(folder, 'pruned.onnx');
    await prune({ ...few, model, output: pruned, align: 2, yes: true });
    expect(await lineageOf(pruned)).toEqual({ parent, command: 'audit prune --align 2' });
    const report = await swap({ ...few, model, to: ['leaky-relu:0.5'], folder: join(folder, 'swapped') });
    const path = report.variants[1]!.output!;
    expect(await lineageOf(path, false)).toEqual({ parent, command: 'audit swap --to leaky_relu:0.5' });
  }, 60_000);

  it('is absent of an original, and of a flipped file, whose other bytes stay as they were', async () => {
    expect(await lineageOf(model)).toBeUndefined();
    const output = join(folder, 'flipped.onnx');
    await flip({ ...few, model, to: { output } });
    expect(await lineageOf(output)).toBeUndefined();
  }, 60_000);
});

describe('addLineage', () => {
  it('replaces an earlier note and leaves other metadata alone', () => {
    const graph = buildGraphModel({ inputs: { x: ['float32', [1]] }, nodes: [], outputs: ['x'] });
    graph.metadataProps = [{ key: 'mine', value: '1', unknown: [] }];
    for (const command of ['audit prune', 'audit swap --to relu']) addLineage(graph, { parent, command });
    expect(graph.metadataProps.map(({ key, value }) => [key, value])).toEqual([
      ['mine', '1'],
      ['activation_auditor.parent', parent],
      ['activation_auditor.command', 'audit swap --to relu'],
    ]);
  });
});
