import { promises as nodeFiles, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { UserError } from '../errors.js';
import { type FileSystem, syncFolder } from './atomic.js';
import { recordPath } from './journal.js';
import { reasonOf } from './reasons.js';
import { type Owner, ownerIn, removeStale, temporaryName } from './temporary.js';

/**
 * Files of one output that get their names together: all of them or none, also when the process is killed.
 *
 * They are made in a staging folder beside the output, `.out.onnx.TAG.tmp`. One rename of that folder, to
 * `….publish`, commits: before it the old files count, after it the new ones. Then the files move to their
 * names. A process that is killed in between leaves the committed folder, and `finishPublication` moves the
 * rest.
 */
export interface Staging {
  /**
   * Returns the path at which a file is made; its folder exists.
   *
   * @param path Its final path, absolute or relative to the output's folder.
   */
  place(path: string): Promise<string>;
  /** Gives all files their names. Those that have these names already are written over. */
  publish(): Promise<void>;
  /** Removes what was made, unless it is published. */
  discard(): Promise<void>;
}

/** Suffix of a committed folder. */
const COMMITTED = 'publish';

/** Committed folders that this process is emptying. */
const inProgress = new Set<string>();

/**
 * Opens a staging folder for an output and the files that go with it. Leftovers of killed processes are dealt
 * with first: what is committed is finished, the rest is removed.
 *
 * @param output Path of the model file. The files staged with it lie in its folder or below.
 */
export async function openStaging(output: string, files: FileSystem = nodeFiles): Promise<Staging> {
  const parent = realpathSync(dirname(resolve(output)));
  const target = join(parent, basename(output));
  await finishPublication(target, files);
  await removeStale(parent, target, files);
  const folder = temporaryName(target);
  const placed = new Set<string>();
  const folders = new Set([folder]);
  await files.mkdir(folder);
  return {
    async place(path) {
      const final = resolve(parent, path);
      const name = relative(parent, final);
      if (name.startsWith('..')) throw new Error(`${path} is not below ${parent}`);
      const staged = join(folder, name);
      await files.mkdir(dirname(staged), { recursive: true });
      folders.add(dirname(staged));
      placed.add(final);
      return staged;
    },
    async publish() {
      for (const each of folders) await syncFolder(each, files);
      const committed = temporaryName(target, COMMITTED);
      inProgress.add(committed);
      try {
        await files.rename(folder, committed);
        await syncFolder(parent, files);
        await moveToNames(committed, target, files);
        // What undoes an earlier output does not undo this one.
        if (!placed.has(recordPath(target))) await files.rm(recordPath(target), { force: true });
      } finally {
        inProgress.delete(committed);
      }
    },
    discard: () => files.rm(folder, { recursive: true, force: true }),
  };
}

/**
 * Finishes what killed processes have committed for an output: its files get their names. Does nothing else.
 *
 * @throws UserError when they cannot be moved: the folder has become read-only, say.
 */
export async function finishPublication(output: string, files: FileSystem = nodeFiles): Promise<void> {
  const target = resolve(output);
  const parent = dirname(target);
  for (const name of await files.readdir(parent).catch(() => [] as string[])) {
    const owner = ownerIn(name, target, COMMITTED);
    if (owner === null || !(await isAbandoned(join(parent, name), owner, files))) continue;
    // Of several processes that find the folder one renames it, and moves the files.
    const claimed = temporaryName(target, COMMITTED);
    inProgress.add(claimed);
    try {
      if (await isClaimed(join(parent, name), claimed, files)) await moveToNames(claimed, target, files);
    } catch (error) {
      throw new UserError(
        `Writing \`${output}\` was interrupted after its files were complete, and they cannot be given their names: ` +
          `${reasonOf(error)}.`,
        'publication-unfinished',
        { cause: error },
      );
    } finally {
      inProgress.delete(claimed);
    }
  }
}

/**
 * Seconds after which a committed folder is abandoned, whichever process has the number now: moving takes
 * less.
 */
const ABANDONED_SECONDS = 60;

async function isAbandoned(folder: string, owner: Owner, files: FileSystem): Promise<boolean> {
  if (inProgress.has(folder)) return false;
  if (owner === 'self' || owner === 'gone') return true;
  const stat = await files.stat(folder).catch(() => null);
  return stat !== null && Date.now() - stat.ctimeMs > ABANDONED_SECONDS * 1000;
}

/** Renames a committed folder; false when another process has done so. */
async function isClaimed(folder: string, claimed: string, files: FileSystem): Promise<boolean> {
  try {
    await files.rename(folder, claimed);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Moves the files of a committed folder to their names, the output last, and removes the folder. */
async function moveToNames(folder: string, output: string, files: FileSystem): Promise<void> {
  const parent = dirname(output);
  const entries = await files.readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const others = names.filter((name) => name !== basename(output));
  const isStaged = others.length < names.length;
  for (const name of others) {
    const target = join(parent, name);
    // No program may meet the old model with new weights, not even for a moment.
    if (isStaged && target !== recordPath(output) && (await exists(target, files))) {
      await files.rm(output, { force: true });
    }
    await files.mkdir(dirname(target), { recursive: true });
    await files.rename(join(folder, name), target);
  }
  if (isStaged) await files.rename(join(folder, basename(output)), output);
  for (const name of names) await syncFolder(dirname(join(parent, name)), files);
  await files.rm(folder, { recursive: true, force: true });
}

async function exists(path: string, files: FileSystem): Promise<boolean> {
  return files.stat(path).then(
    () => true,
    () => false,
  );
}
