import { createHash, randomBytes } from 'node:crypto';
import { promises as nodeFiles } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { hasCode } from './reasons.js';

/** A file system allows names of 255 bytes; a letter takes up to three, and the owner's tag about 40. */
const LONGEST_STEM = 70;

/**
 * Nobody can see whether a process of another machine still runs; after a day without a change it does not.
 */
const FOREIGN_HOURS = 24;

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const nonce = randomBytes(4).toString('hex');
let tags = 0;

/**
 * Returns a new mark for the name of an unfinished file, from which every process sees who makes it:
 * `HOST-PID-NONCE-NUMBER`, e.g. `1f3a9c07-4711-9d0e88b2-3`. The nonce tells this process from an earlier one
 * of the same id, as containers have it.
 */
export function ownerTag(): string {
  return `${host}-${process.pid}-${nonce}-${++tags}`;
}

const TAG = /^([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-\d+$/;

/** Kinds of owner: this process, another one that runs, one of another machine, or one that is gone. */
export type Owner = 'self' | 'running' | 'foreign' | 'gone';

/** Returns the owner that a tag names; `null` for what is no tag. */
export function ownerOf(tag: string): Owner | null {
  const [, ownerHost, pid, ownerNonce] = TAG.exec(tag) ?? [];
  if (pid === undefined) return null;
  if (ownerHost !== host) return 'foreign';
  if (ownerNonce === nonce) return 'self';
  return Number(pid) !== process.pid && isRunning(Number(pid)) ? 'running' : 'gone';
}

/**
 * Returns a name beside a file or folder that is to be made, for it until it is complete: `.NAME.TAG.tmp`.
 */
export function temporaryName(target: string, suffix = 'tmp'): string {
  return join(dirname(target), `${prefixOf(target)}${ownerTag()}.${suffix}`);
}

/**
 * Returns the owner of an unfinished file by its name; `null` for the name of any other file.
 *
 * @param target What the file is to become; `null` for anything.
 */
export function ownerIn(name: string, target: string | null, suffix = 'tmp'): Owner | null {
  const isOfTarget = name.startsWith(target === null ? '.' : prefixOf(target));
  return isOfTarget && name.endsWith(`.${suffix}`) ? ownerOf(name.split('.').at(-2)!) : null;
}

/**
 * Removes temporary files and folders whose process is gone.
 *
 * @param target Only what was to become this; without it everything in the folder.
 */
export async function removeStale(
  folder: string,
  target: string | null = null,
  files: Pick<typeof nodeFiles, 'readdir' | 'rm' | 'stat'> = nodeFiles,
): Promise<void> {
  for (const name of await files.readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const owner = ownerIn(name, target);
    if (owner === 'gone' || (owner === 'foreign' && (await isOld(path, files)))) {
      await files.rm(path, { recursive: true, force: true }).catch(() => {});
    }
  }
}

function prefixOf(target: string): string {
  return `.${basename(target).slice(0, LONGEST_STEM)}.`;
}

async function isOld(path: string, files: Pick<typeof nodeFiles, 'stat'>): Promise<boolean> {
  const stat = await files.stat(path).catch(() => null);
  return stat !== null && Date.now() - stat.mtimeMs > FOREIGN_HOURS * 3_600_000;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
