import { writeTextFile } from '../../files/text-files.js';
import type { AuditExtract, LastReport } from '../metrics/extract.js';
import { addAudit, NO_TOTALS, type Totals } from '../metrics/totals.js';
import type { ReportEntry } from '../schema.js';
import type { StateFolder } from './state-folder.js';
import { folderName, newId, openStoreFiles, readJson } from './store-files.js';

/**
 * The stored reports. `reports/MODEL/ID.json` in the state folder are plain reports. `index/MODEL/ID.json`
 * are their extracts; they can be deleted at any time and are made again from the reports.
 * `totals/MODEL.json` holds the sums of the counters of reports that `keep` has removed. Every file is
 * written whole or not at all, the report before its extract, and a job is done when both are there. So a
 * kill at any moment leaves at worst a report without an extract.
 */
export interface Store {
  /** Lists reports, oldest first. */
  reports(model?: string): ReportEntry[];
  reportPath(id: string): string | null;
  /** Gives the last report of a model on each data. */
  lastReports(model: string): LastReport[];
  extract(id: string): Promise<AuditExtract | null>;
  latest(model: string): AuditExtract | null;
  totals(model: string): Totals;
  /** Gives the id of a new report and the path to write it to. */
  prepare(model: string): Promise<{ id: string; path: string }>;
  /** Makes a written report known; afterwards it is not lost any more. */
  add(id: string, extract: AuditExtract): Promise<void>;
}

interface StoreOptions {
  state: Pick<StateFolder, 'path' | 'write'>;
  /** Number of reports to keep of each model. */
  keep: number;
  /** Makes the extract of a report file, compared with those before it; `null` when the file is no report. */
  extractFile: (path: string, previous: LastReport[]) => Promise<AuditExtract | null>;
}

/** The sums over removed reports. */
interface RemovedTotals {
  /** Reports up to this id are in `totals`, whether or not their files are still there. */
  upTo: string;
  totals: Totals;
}

/** The reports of one model. */
interface History {
  folder: string;
  entries: ReportEntry[];
  latest: AuditExtract | null;
  removed: RemovedTotals;
  totals: Totals;
}

/** Opens the store in a state folder that this server owns. */
export async function openStore({ state, keep, extractFile }: StoreOptions): Promise<Store> {
  const files = openStoreFiles(state);
  const histories = new Map<string, History>();
  /** Folders of the reports, by id. */
  const folders = new Map<string, string>();

  const historyOf = async (model: string): Promise<History> => {
    const known = histories.get(model);
    if (known) return known;
    const name = folderName(model);
    const removed = (await readJson<RemovedTotals>(files.totalsPath(name))) ?? {
      upTo: '',
      totals: NO_TOTALS,
    };
    const history = { folder: name, entries: [], latest: null, removed, totals: removed.totals };
    histories.set(model, history);
    return history;
  };
  const append = async (id: string, extract: AuditExtract): Promise<void> => {
    const history = await historyOf(extract.model);
    history.entries.push(entryOf(id, extract));
    history.latest = extract;
    history.totals = addAudit(history.totals, extract);
    folders.set(id, history.folder);
  };
  const removeOld = async (model: string): Promise<void> => {
    const history = await historyOf(model);
    while (history.entries.length > keep) {
      const { id } = history.entries[0]!;
      const extract = await readExtract(files.path('index', history.folder, id));
      const totals = extract ? addAudit(history.removed.totals, extract) : history.removed.totals;
      const removed = { upTo: id, totals };
      await writeTextFile(files.totalsPath(history.folder), JSON.stringify(removed));
      history.removed = removed;
      history.entries.shift();
      folders.delete(id);
      await files.discard(history.folder, id);
    }
  };
  const lastReports = (model: string): LastReport[] => {
    const history = histories.get(model);
    const last = new Map(history?.entries.map(({ data, id }) => [data, id]));
    return [...last].map(([data, id]) => ({ data, path: files.path('reports', history!.folder, id) }));
  };
  const load = async (name: string): Promise<void> => {
    files.makeFolders(name);
    const ids = (await files.ids('reports', name)).sort();
    for (const id of await files.ids('index', name)) if (!ids.includes(id)) await files.discard(name, id);
    let model: string | null = null;
    for (const id of ids) {
      const path = files.path('reports', name, id);
      let extract = await readExtract(files.path('index', name, id));
      if (!extract) {
        extract = await extractFile(path, model === null ? [] : lastReports(model));
        if (!extract) continue;
        await writeTextFile(files.path('index', name, id), JSON.stringify(extract));
      }
      model = extract.model;
      if (id <= (await historyOf(model)).removed.upTo) await files.discard(name, id);
      else await append(id, extract);
    }
    if (model !== null) await removeOld(model);
  };
  for (const name of await files.folders()) await load(name);

  const pathOf = (kind: 'reports' | 'index', id: string): string | null => {
    const name = folders.get(id);
    return name === undefined ? null : files.path(kind, name, id);
  };
  return {
    reports: (model) =>
      model === undefined
        ? [...histories.values()].flatMap(({ entries }) => entries).sort((a, b) => (a.id < b.id ? -1 : 1))
        : [...(histories.get(model)?.entries ?? [])],
    reportPath: (id) => pathOf('reports', id),
    lastReports,
    extract: async (id) => {
      const path = pathOf('index', id);
      return path === null ? null : readExtract(path);
    },
    latest: (model) => histories.get(model)?.latest ?? null,
    totals: (model) => histories.get(model)?.totals ?? NO_TOTALS,
    prepare: async (model) => {
      const name = folderName(model);
      files.makeFolders(name);
      const id = newId();
      return { id, path: files.path('reports', name, id) };
    },
    add: async (id, extract) => {
      const path = files.path('index', folderName(extract.model), id);
      await writeTextFile(path, JSON.stringify(extract));
      await append(id, extract);
      await removeOld(extract.model);
    },
  };
}

async function readExtract(path: string): Promise<AuditExtract | null> {
  const extract = await readJson<AuditExtract>(path);
  return extract?.extractVersion === 1 ? extract : null;
}

function entryOf(id: string, extract: AuditExtract): ReportEntry {
  const { model, step, createdAt, data, positions, deadRatio, capacityRatio, gate, durationSeconds } =
    extract;
  return {
    id,
    model,
    step,
    createdAt,
    data,
    positions,
    deadRatio,
    capacityRatio,
    gate: gate?.status ?? null,
    durationSeconds,
  };
}
