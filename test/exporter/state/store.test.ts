import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { extractOf, type LastReport } from '../../../src/exporter/metrics/extract.js';
import { openStore, type Store } from '../../../src/exporter/state/store.js';
import { readReport, writeReport } from '../../../src/report/json.js';
import { smallReport } from '../../report/fixture.js';
import { temporaryFolder } from '../metrics/services.js';

const extractFile = vi.fn(async (path: string, previous: LastReport[]) =>
  extractOf(await readReport(path), previous[0] ? await readReport(previous[0].path) : null),
);
const open = (folder: string, keep = 10) =>
  openStore({ state: { path: folder, write: (action) => action() }, keep, extractFile });

async function addReport(store: Store, name = 'runs/a.b', step?: number) {
  const report = smallReport(1, {}, 40);
  report.model.name = name;
  if (step !== undefined) report.model.step = step;
  const { id, path } = await store.prepare(name);
  await writeReport(path, report);
  await store.add(id, extractOf(report));
  await new Promise((resolve) => setTimeout(resolve, 2)); // ids sort by milliseconds
  return { id, path };
}

describe('the state folder', () => {
  it('keeps reports over a restart', async () => {
    const folder = temporaryFolder();
    const store = await open(folder);
    const { id, path } = await addReport(store, 'runs/a.b', 7);
    const again = await open(folder);
    expect(again.reports('runs/a.b')).toEqual(store.reports());
    expect(again.reports()[0]).toMatchObject({ id, model: 'runs/a.b', step: 7 });
    expect(again.reportPath(id)).toBe(path);
    expect(again.latest('runs/a.b')).toEqual(await store.extract(id));
    expect((await readReport(path)).model.name).toBe('runs/a.b');
  });

  it('makes the index again from the reports', async () => {
    const folder = temporaryFolder();
    const store = await open(folder);
    await addReport(store, 'a');
    await addReport(store, 'b');
    const first = await readReport((await addReport(store, 'c')).path);
    const second = await store.prepare('c');
    const died = structuredClone(first);
    Object.assign(died.sites[1]!, { deadNeurons: [0, 1], dead: 2 });
    expect(extractOf(died, first)).not.toEqual(extractOf(died));
    await writeReport(second.path, died);
    await store.add(second.id, extractOf(died, first));
    rmSync(join(folder, 'index'), { recursive: true });
    extractFile.mockClear();
    const again = await open(folder);
    expect(extractFile).toHaveBeenCalledTimes(4);
    expect(again.reports()).toEqual(store.reports());
    expect(again.totals('a')).toEqual(store.totals('a'));
    expect(again.totals('c')).toEqual(store.totals('c'));
    expect(again.latest('c')).toEqual(store.latest('c'));
    extractFile.mockClear();
    await open(folder);
    expect(extractFile).not.toHaveBeenCalled();
  });

  it('starts with what a kill left: a report without its index, and a damaged index', async () => {
    const folder = temporaryFolder();
    const store = await open(folder);
    const { id } = await addReport(store, 'm');
    const { id: second } = await addReport(store, 'm');
    rmSync(join(folder, 'index/m', `${id}.json`));
    writeFileSync(join(folder, 'index/m', `${second}.json`), '{"extractVersion":1,"mo');
    const again = await open(folder);
    expect(again.reports('m').map((report) => report.id)).toEqual([id, second]);
    expect(readdirSync(join(folder, 'reports/m'))).toHaveLength(2);
  });

  it('keeps N reports of each model, and its counters go on', async () => {
    const folder = temporaryFolder();
    const store = await open(folder, 2);
    for (let i = 0; i < 4; i++) await addReport(store, 'm');
    await addReport(store, 'other');
    expect(store.reports('m')).toHaveLength(2);
    expect(readdirSync(join(folder, 'reports/m'))).toHaveLength(2);
    expect(store.totals('m').positions).toBe(4 * 40);
    const again = await open(folder, 2);
    expect(again.totals('m')).toEqual(store.totals('m'));
    expect(again.totals('other').positions).toBe(40);
  });

  it('does not count a report twice that a kill kept from being removed', async () => {
    const folder = temporaryFolder();
    const store = await open(folder, 1);
    const { path } = await addReport(store, 'm');
    const report = await readReport(path);
    await addReport(store, 'm');
    await writeReport(path, report);
    const again = await open(folder, 1);
    expect(again.totals('m').positions).toBe(2 * 40);
    expect(existsSync(path)).toBe(false);
  });

  it('takes names of any length and kind', async () => {
    const folder = temporaryFolder();
    const store = await open(folder);
    const names = ['..', 'a/b', 'a%2Fb', `${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`, 'ü*?'];
    for (const name of names) await addReport(store, name);
    const again = await open(folder);
    for (const name of names) expect(again.reports(name), name).toHaveLength(1);
  });
});
