import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { BytePatch } from './patch.js';
import { type Splice, spliced } from './splice.js';

/**
 * Reads a file once and returns two SHA-256 sums: of the file with the splices (`now`), and of that after the
 * patches (`patched`).
 *
 * @param patches By increasing offset, as `mergePatches` returns them.
 */
export async function hashWithPatches(
  path: string,
  patches: readonly BytePatch[],
  { signal, splices = [] }: { signal?: AbortSignal | undefined; splices?: readonly Splice[] } = {},
): Promise<{ now: string; patched: string }> {
  const now = createHash('sha256');
  const patched = createHash('sha256');
  let start = 0;
  let next = 0;
  for await (const bytes of spliced(chunksOf(path, signal), splices)) {
    now.update(bytes);
    const end = start + bytes.length;
    const copy = next < patches.length && patches[next]!.offsetBytes < end ? Buffer.from(bytes) : bytes;
    for (let i = next; i < patches.length && patches[i]!.offsetBytes < end; i++) {
      const { offsetBytes, after } = patches[i]!;
      for (let k = Math.max(0, start - offsetBytes); k < after.length && offsetBytes + k < end; k++) {
        copy[offsetBytes + k - start] = after[k]!;
      }
      if (offsetBytes + after.length <= end) next = i + 1;
    }
    patched.update(copy);
    start = end;
  }
  return { now: now.digest('hex'), patched: patched.digest('hex') };
}

/** Reads a file in chunks of 1 MiB. */
export function chunksOf(path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) });
}
