import { createHash } from 'node:crypto';
import { constants, createReadStream, existsSync, promises as nodeFiles } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../errors.js';
import type { BytePatch } from '../onnx/patch.js';
import { type Splice, spliced } from '../onnx/splice.js';
import { removeStale, temporaryName } from './temporary.js';

/** The part of `node:fs/promises` that writing needs: a test may give one that fails. */
export type FileSystem = Pick<
  typeof nodeFiles,
  'copyFile' | 'chmod' | 'open' | 'rename' | 'rm' | 'stat' | 'link' | 'mkdir' | 'readdir'
>;

/** A file that is to be made: a copy of another with some bytes changed. */
export interface CloneJob {
  from: string;
  to: string;
  /** Applied after the splices: at offsets of the copy. */
  patches: readonly BytePatch[];
  /** Replaced by others, also by more or fewer, by increasing offset; such a copy is written byte by byte. */
  splices?: readonly Splice[];
}

/**
 * Makes copies with changed bytes, all or none: each is cloned (copy-on-write where the file system can) beside its
 * final name, patched and fsynced; only when all are complete do they get their names, the first one last.
 *
 * @throws UserError when the disk is full or a folder cannot be written; nothing has its final name then.
 */
export async function writeClones(jobs: readonly CloneJob[], files: FileSystem = nodeFiles): Promise<void> {
  const temporaries: string[] = [];
  try {
    for (const { from, to, patches, splices = [] } of jobs) {
      await removeStale(to, files);
      const temporary = temporaryName(to);
      temporaries.push(temporary);
      if (splices.length > 0) await copySpliced(from, temporary, splices, files);
      else await files.copyFile(from, temporary, constants.COPYFILE_FICLONE);
      await files.chmod(temporary, (await files.stat(from)).mode | 0o200);
      await patchFile(temporary, patches, files);
    }
    // An old model must not meet new weights.
    if (jobs.slice(1).some(({ to }) => existsSync(to))) await files.rm(jobs[0]!.to, { force: true });
    for (const [i, { to }] of [...jobs.entries()].reverse()) await files.rename(temporaries[i]!, to);
    for (const folder of new Set(jobs.map(({ to }) => dirname(to)))) await syncFolder(folder, files);
  } catch (error) {
    for (const temporary of temporaries) await files.rm(temporary, { force: true }).catch(() => {});
    throw cannotWrite(jobs[0]?.to ?? '', error);
  }
}

async function copySpliced(
  from: string,
  to: string,
  splices: readonly Splice[],
  files: FileSystem,
): Promise<void> {
  const handle = await files.open(to, 'wx');
  try {
    for await (const chunk of spliced(chunksOf(from), splices)) await handle.writeFile(chunk);
  } finally {
    await handle.close();
  }
}

function chunksOf(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) });
}

/** Patches nearer to each other than a page are read and written together, up to this much at once. */
const PAGE_BYTES = 4096;
const WINDOW_BYTES = 1 << 20;

/**
 * Overwrites bytes of a file and fsyncs it. Every byte must be as it is before the patch, or as it is after it.
 *
 * @param patches By increasing offset, as `mergePatches` gives them.
 * @throws UserError when some byte is neither: the file has been changed by something else.
 */
export async function patchFile(
  path: string,
  patches: readonly BytePatch[],
  files: FileSystem = nodeFiles,
): Promise<void> {
  const handle = await files.open(path, 'r+');
  try {
    for (const window of windowsOf(patches)) await readWindow(handle, path, window);
    for (const window of windowsOf(patches)) {
      const bytes = await readWindow(handle, path, window);
      for (const { offsetBytes, after } of window) bytes.set(after, offsetBytes - window[0]!.offsetBytes);
      let done = 0;
      while (done < bytes.length) {
        const at = window[0]!.offsetBytes + done;
        done += (await handle.write(bytes, done, bytes.length - done, at)).bytesWritten;
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function* windowsOf(patches: readonly BytePatch[]): Generator<BytePatch[]> {
  const end = ({ offsetBytes, after }: BytePatch) => offsetBytes + after.length;
  for (let from = 0; from < patches.length; ) {
    const start = patches[from]!.offsetBytes;
    let to = from + 1;
    for (; to < patches.length; to++) {
      const next = patches[to]!;
      if (next.offsetBytes - end(patches[to - 1]!) > PAGE_BYTES || end(next) - start > WINDOW_BYTES) break;
    }
    yield patches.slice(from, to);
    from = to;
  }
}

/** The bytes from the first patch of a window to its last, those of the patches checked. */
async function readWindow(
  handle: FileHandle,
  path: string,
  window: readonly BytePatch[],
): Promise<Uint8Array> {
  const start = window[0]!.offsetBytes;
  const last = window.at(-1)!;
  const found = new Uint8Array(last.offsetBytes + last.after.length - start);
  let got = 0;
  while (got < found.length) {
    const { bytesRead } = await handle.read(found, got, found.length - got, start + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  for (const { offsetBytes, before, after } of window) {
    const at = offsetBytes - start;
    const known = before.every((byte, i) => found[at + i] === byte || found[at + i] === after[i]);
    if (known && at + before.length <= got) continue;
    throw new UserError(
      `\`${path}\` has other bytes at ${offsetBytes.toLocaleString('en-US')} than when it was read: something else has changed it, so nothing was written.`,
      'file-changed',
    );
  }
  return found;
}

/**
 * SHA-256 of a file as it is (`now`) and as it would be after the patches, read once; patches by increasing offset.
 * Given splices, `now` is the file with these.
 */
export async function hashWithPatches(
  path: string,
  patches: readonly BytePatch[],
  { signal, splices = [] }: { signal?: AbortSignal | undefined; splices?: readonly Splice[] } = {},
): Promise<{ now: string; patched: string }> {
  const now = createHash('sha256');
  const patched = createHash('sha256');
  let at = 0;
  let next = 0;
  for await (const bytes of spliced(chunksOf(path, signal), splices)) {
    now.update(bytes);
    const end = at + bytes.length;
    const copy = next < patches.length && patches[next]!.offsetBytes < end ? Buffer.from(bytes) : bytes;
    for (let i = next; i < patches.length && patches[i]!.offsetBytes < end; i++) {
      const { offsetBytes, after } = patches[i]!;
      for (let k = Math.max(0, at - offsetBytes); k < after.length && offsetBytes + k < end; k++) {
        copy[offsetBytes + k - at] = after[k]!;
      }
      if (offsetBytes + after.length <= end) next = i + 1;
    }
    patched.update(copy);
    at = end;
  }
  return { now: now.digest('hex'), patched: patched.digest('hex') };
}

/** Makes a rename last; not every file system allows it. */
export async function syncFolder(folder: string, files: FileSystem = nodeFiles): Promise<void> {
  const handle = await files.open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

const reasons: Record<string, string> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder',
};

/** A UserError for what the disk refuses; anything else as it is. */
export function cannotWrite(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const reason = error instanceof UserError || !code ? undefined : reasons[code];
  if (reason === undefined) return error;
  return new UserError(`\`${path}\` cannot be written: ${reason}.`, 'cannot-write', { cause: error });
}
