import { promises as nodeFiles, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { cannotWrite } from './reasons.js';
import { removeStale, temporaryName } from './temporary.js';

/** The part of `node:fs/promises` that writing needs: a test may pass one that fails. */
export type FileSystem = Pick<
  typeof nodeFiles,
  'copyFile' | 'chmod' | 'open' | 'rename' | 'rm' | 'stat' | 'link' | 'mkdir' | 'readdir'
>;

/**
 * Writes a file so that it is there whole or not at all: a temporary file beside it, fsync, rename. A file
 * that a symbolic link names is replaced, not the link. A device or pipe (`/dev/stdout`) is written as it is.
 *
 * @throws UserError when the folder is missing or cannot be written.
 */
export async function writeAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  try {
    const existing = await nodeFiles.stat(path).catch(() => null);
    if (existing?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (existing && !existing.isFile()) await nodeFiles.writeFile(path, bytes);
    else await replace(existing ? await nodeFiles.realpath(path) : path, bytes);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

async function replace(target: string, bytes: Uint8Array | string): Promise<void> {
  await removeStale(dirname(target), target);
  const temporary = temporaryName(target);
  try {
    const file = await nodeFiles.open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await nodeFiles.rename(temporary, target);
  } catch (error) {
    await nodeFiles.rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(target));
}

/** Writes a small file whole or not at all, before it returns. A crash of the machine may lose it. */
export function writeAtomicallySync(path: string, text: string): void {
  const temporary = temporaryName(path);
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw cannotWrite(path, error);
  }
}

/** Makes a rename last. A file system that cannot sync a folder is left alone. */
export async function syncFolder(folder: string, files: Pick<FileSystem, 'open'> = nodeFiles): Promise<void> {
  const handle = await files.open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
