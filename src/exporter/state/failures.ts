import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomicallySync } from '../../files/atomic.js';
import type { StateFolder } from './state-folder.js';
import { folderName } from './store-files.js';

/** The last audit of a model, if it failed. */
export interface Failure {
  model: string;
  step: number | null;
  /** Time of the failure, ISO 8601. */
  at: string;
  /** The sentence that says why. */
  reason: string;
}

/**
 * Failures of models whose last audit failed, one file each in the state folder, so that a restart forgets
 * none.
 */
export interface Failures {
  of(model: string): Failure | null;
  /** @throws UserError when the folder cannot be written; the failure is known all the same. */
  set(failure: Failure): void;
  /** Forgets the failure of a model, since an audit of it succeeded. @throws as `set`. */
  clear(model: string): void;
}

export function openFailures(state: Pick<StateFolder, 'path' | 'write'>): Failures {
  const folder = join(state.path, 'failures');
  state.write(() => mkdirSync(folder, { recursive: true }));
  const failures = new Map<string, Failure>();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const failure = read(join(folder, name));
    if (failure) failures.set(failure.model, failure);
  }
  const path = (model: string): string => join(folder, `${folderName(model)}.json`);
  return {
    of: (model) => failures.get(model) ?? null,
    set: (failure) => {
      failures.set(failure.model, failure);
      state.write(() => writeAtomicallySync(path(failure.model), JSON.stringify(failure)));
    },
    clear: (model) => {
      if (!failures.delete(model)) return;
      state.write(() => rmSync(path(model), { force: true }));
    },
  };
}

/** Reads one file; `null` for a damaged one. */
function read(path: string): Failure | null {
  try {
    const { model, step, at, reason } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Failure>;
    const isWhole = typeof model === 'string' && typeof at === 'string' && typeof reason === 'string';
    return isWhole ? { model, step: typeof step === 'number' ? step : null, at, reason } : null;
  } catch {
    return null;
  }
}
