import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeTextFile } from '../files/text-files.js';
import type { ReportEntry } from './http/schema.js';
import type { AuditExtract } from './metrics/extract.js';
import { addAudit, NO_TOTALS, type Totals } from './metrics/totals.js';

/**
 * The state folder: `reports/MODEL/ID.json` are plain reports; `index/MODEL/ID.json` are their extracts, and can be
 * deleted at any time: they are made again from the reports. `totals/MODEL.json` holds what the counters of reports
 * that `keep` has removed add up to. Every file is written whole or not at all, the report before its extract, and a
 * job is done when both are there: a kill at any moment leaves at worst a report without an extract.
 */
export interface Store {
  /** Oldest first. */
  reports(model?: string): ReportEntry[];
  reportPath(id: string): string | null;
  extract(id: string): Promise<AuditExtract | null>;
  latest(model: string): AuditExtract | null;
  totals(model: string): Totals;
  /** A new report's id and the path to write it to. */
  prepare(model: string): Promise<{ id: string; path: string }>;
  /** Makes a written report known; afterwards it is not lost any more. */
  add(id: string, extract: AuditExtract): Promise<void>;
}

interface StoreOptions {
  folder: string;
  /** Reports to keep of each model. */
  keep: number;
  /** Makes the extract of a report file anew, given the one before it; `null` when the file is no report. */
  extractFile: (path: string, previousPath: string | null) => Promise<AuditExtract | null>;
}

interface Removed {
  /** Reports up to this id are in `totals`, whether or not their files are still there. */
  upTo: string;
  totals: Totals;
}

interface Shelf {
  folder: string;
  entries: ReportEntry[];
  latest: AuditExtract | null;
  removed: Removed;
  totals: Totals;
}

/** Opens the state folder; what a killed server left behind is tidied up. */
export async function openStore({ folder, keep, extractFile }: StoreOptions): Promise<Store> {
  const shelves = new Map<string, Shelf>();
  const places = new Map<string, { model: string; folder: string }>();
  const at = (kind: 'reports' | 'index', shelf: string, id = '') =>
    join(folder, kind, shelf, id === '' ? '' : `${id}.json`);
  for (const kind of ['reports', 'index', 'totals']) await mkdir(join(folder, kind), { recursive: true });

  const shelfOf = async (model: string): Promise<Shelf> => {
    const known = shelves.get(model);
    if (known) return known;
    const name = folderName(model);
    const removed = await readJson<Removed>(join(folder, 'totals', `${name}.json`));
    const shelf: Shelf = {
      folder: name,
      entries: [],
      latest: null,
      removed: removed ?? { upTo: '', totals: NO_TOTALS },
      totals: removed?.totals ?? NO_TOTALS,
    };
    shelves.set(model, shelf);
    return shelf;
  };
  const put = async (id: string, extract: AuditExtract): Promise<void> => {
    const shelf = await shelfOf(extract.model);
    shelf.entries.push(entryOf(id, extract));
    shelf.latest = extract;
    shelf.totals = addAudit(shelf.totals, extract);
    places.set(id, { model: extract.model, folder: shelf.folder });
  };
  const discard = async (name: string, id: string): Promise<void> => {
    await unlink(at('reports', name, id)).catch(() => {});
    await unlink(at('index', name, id)).catch(() => {});
  };
  const trim = async (model: string): Promise<void> => {
    const shelf = await shelfOf(model);
    while (shelf.entries.length > keep) {
      const { id } = shelf.entries[0]!;
      const extract = await readExtract(at('index', shelf.folder, id));
      const totals = extract ? addAudit(shelf.removed.totals, extract) : shelf.removed.totals;
      const removed = { upTo: id, totals };
      await writeTextFile(join(folder, 'totals', `${shelf.folder}.json`), JSON.stringify(removed));
      shelf.removed = removed;
      shelf.entries.shift();
      places.delete(id);
      await discard(shelf.folder, id);
    }
  };
  const load = async (name: string): Promise<void> => {
    const ids = (await tidied(at('reports', name))).sort();
    await mkdir(at('index', name), { recursive: true });
    for (const id of await tidied(at('index', name))) if (!ids.includes(id)) await discard(name, id);
    let model: string | null = null;
    let previous: string | null = null;
    for (const id of ids) {
      let extract = await readExtract(at('index', name, id));
      if (!extract) {
        extract = await extractFile(at('reports', name, id), previous);
        if (!extract) continue;
        await writeTextFile(at('index', name, id), JSON.stringify(extract));
      }
      model = extract.model;
      previous = at('reports', name, id);
      if (id <= (await shelfOf(model)).removed.upTo) await discard(name, id);
      else await put(id, extract);
    }
    if (model !== null) await trim(model);
  };
  for (const name of await readdir(join(folder, 'reports'))) await load(name);

  return {
    reports: (model) =>
      model === undefined
        ? [...shelves.values()].flatMap(({ entries }) => entries).sort((a, b) => (a.id < b.id ? -1 : 1))
        : [...(shelves.get(model)?.entries ?? [])],
    reportPath: (id) => {
      const place = places.get(id);
      return place ? at('reports', place.folder, id) : null;
    },
    extract: async (id) => {
      const place = places.get(id);
      return place ? readExtract(at('index', place.folder, id)) : null;
    },
    latest: (model) => shelves.get(model)?.latest ?? null,
    totals: (model) => shelves.get(model)?.totals ?? NO_TOTALS,
    prepare: async (model) => {
      const name = folderName(model);
      for (const kind of ['reports', 'index'] as const) await mkdir(at(kind, name), { recursive: true });
      const id = newId();
      return { id, path: at('reports', name, id) };
    },
    add: async (id, extract) => {
      await writeTextFile(at('index', folderName(extract.model), id), JSON.stringify(extract));
      await put(id, extract);
      await trim(extract.model);
    },
  };
}

/** Ids of the whole files; what a kill left half-written is removed. */
async function tidied(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  for (const name of names) if (/^\..*\.tmp$/.test(name)) await unlink(join(folder, name)).catch(() => {});
  return names.filter((name) => /^[\w-]+\.json$/.test(name)).map((name) => name.slice(0, -5));
}

async function readExtract(path: string): Promise<AuditExtract | null> {
  const extract = await readJson<AuditExtract>(path);
  return extract?.extractVersion === 1 ? extract : null;
}

async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

function entryOf(id: string, extract: AuditExtract): ReportEntry {
  const { model, step, createdAt, positions, deadRatio, capacityRatio, gate, durationSeconds } = extract;
  return {
    id,
    model,
    step,
    createdAt,
    positions,
    deadRatio,
    capacityRatio,
    gate: gate?.status ?? null,
    durationSeconds,
  };
}

/** Sorts by time: `20260102T030405678Z-1f3a9c`. */
function newId(): string {
  return `${new Date().toISOString().replace(/[-:.]/g, '')}-${randomBytes(3).toString('hex')}`;
}

/** A folder's name for a model: readable, and short enough for a file system. */
function folderName(model: string): string {
  const name = encodeURIComponent(model).replaceAll('*', '%2A').replaceAll('.', '%2E');
  if (name.length <= 200) return name;
  return `${name.slice(0, 180)}-${createHash('sha256').update(model).digest('hex').slice(0, 16)}`;
}
