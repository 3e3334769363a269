import { promises as nodeFiles } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { UserError } from '../errors.js';
import type { FileSystem } from './atomic.js';

/** Bytes of a file that are replaced by as many others. */
export interface BytePatch {
  /** Absolute path. */
  file: string;
  offsetBytes: number;
  before: Uint8Array;
  after: Uint8Array;
}

/** Patches nearer to each other than a page are read and written together, up to this much at once. */
const PAGE_BYTES = 4096;
const WINDOW_BYTES = 1 << 20;

/**
 * Overwrites bytes of a file and fsyncs it. Every byte must be as it is before the patch, or as it is after
 * it.
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
