import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { StateFolder } from './state-folder.js';

/** Folders of the state folder that hold a file for each report. */
const KINDS = ['reports', 'index'] as const;
type Kind = (typeof KINDS)[number];

/** The paths of the state folder: `reports/MODEL/ID.json`, `index/MODEL/ID.json` and `totals/MODEL.json`. */
export interface StoreFiles {
  path(kind: Kind, model: string, id: string): string;
  totalsPath(model: string): string;
  /** Lists the names of the folders that hold reports; each is `folderName` of a model. */
  folders(): Promise<string[]>;
  /** Makes the folders of a model. @throws UserError when the state folder cannot be written. */
  makeFolders(model: string): void;
  /** Lists the ids of the files. */
  ids(kind: Kind, model: string): Promise<string[]>;
  /** Removes a report and its extract, as far as they are there. */
  discard(model: string, id: string): Promise<void>;
}

/** Makes the folders of reports, extracts and totals. Models are named by `folderName` in all of them. */
export function openStoreFiles(state: Pick<StateFolder, 'path' | 'write'>): StoreFiles {
  const folder = (...names: string[]) => join(state.path, ...names);
  const make = (...names: string[]) =>
    state.write(() => void mkdirSync(folder(...names), { recursive: true }));
  const path = (kind: Kind, model: string, id: string) => folder(kind, model, `${id}.json`);
  for (const name of [...KINDS, 'totals']) make(name);
  return {
    path,
    totalsPath: (model) => folder('totals', `${model}.json`),
    folders: async () => {
      const entries = await readdir(folder('reports'), { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    },
    makeFolders: (model) => {
      for (const kind of KINDS) make(kind, model);
    },
    ids: async (kind, model) => {
      const names = await readdir(folder(kind, model));
      return names.filter((name) => /^[\w-]+\.json$/.test(name)).map((name) => name.slice(0, -5));
    },
    discard: async (model, id) => {
      for (const kind of KINDS) await unlink(path(kind, model, id)).catch(() => {});
    },
  };
}

/** Reads a JSON file; `null` where it is missing or damaged. */
export async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** Makes an id that sorts by time: `20260102T030405678Z-1f3a9c`. */
export function newId(): string {
  return `${new Date().toISOString().replace(/[-:.]/g, '')}-${randomBytes(3).toString('hex')}`;
}

/** Makes the name of a model's folder: readable, and short enough for a file system. */
export function folderName(model: string): string {
  const name = encodeURIComponent(model).replaceAll('*', '%2A').replaceAll('.', '%2E');
  if (name.length <= 200) return name;
  return `${name.slice(0, 180)}-${createHash('sha256').update(model).digest('hex').slice(0, 16)}`;
}
