import { randomBytes } from 'node:crypto';
import { open, readFile, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { UserError } from '../errors.js';

/**
 * Writes a text file so that it is there whole or not at all: a temporary file in the same folder, fsync, rename.
 * A name ending in `.gz` is compressed. A device or pipe (`/dev/stdout`) is written straight.
 *
 * @throws UserError when the folder is missing or cannot be written.
 */
export async function writeTextFile(path: string, text: string): Promise<void> {
  const bytes = path.endsWith('.gz') ? await promisify(gzip)(text) : Buffer.from(text);
  try {
    await writeAtomically(path, bytes);
  } catch (error) {
    throw new UserError(`\`${path}\` cannot be written: ${reason(error)}.`, 'cannot-write', { cause: error });
  }
}

/**
 * Reads a text file; compressed ones are recognised by their first bytes, whatever their name.
 *
 * @throws UserError when it is missing, a folder, or a cut-short gzip file.
 */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(`\`${path}\` cannot be read: ${reason(error)}.`, 'cannot-read', { cause: error });
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('utf8');
  try {
    return (await promisify(gunzip)(bytes)).toString('utf8');
  } catch (error) {
    throw new UserError(
      `\`${path}\` is a gzip file that cannot be unpacked: it is cut short or damaged; write or copy it again.`,
      'file-truncated',
      { cause: error },
    );
  }
}

async function writeAtomically(path: string, bytes: Buffer): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) throw new Error('it is a folder');
  if (found && !found.isFile()) return writeFile(path, bytes);
  const target = found ? await realpath(path) : path; // through a symbolic link, not over it
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx');
  try {
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the rename last; not every file system allows it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
};

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && REASONS[code]) ?? message;
}
