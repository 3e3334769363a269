import { constants, promises as nodeFiles } from 'node:fs';
import type { FileSystem } from './atomic.js';
import { chunksOf } from './hash.js';
import { type BytePatch, patchFile } from './patch.js';
import { type Splice, spliced } from './splice.js';

/** One file to make: a copy of another in which some bytes differ. */
export interface CloneJob {
  from: string;
  to: string;
  /** Applied after the splices: at offsets of the copy. */
  patches: readonly BytePatch[];
  /**
   * Replaced by other bytes, also by more or fewer, by increasing offset; such a copy is written byte by
   * byte.
   */
  splices?: readonly Splice[];
}

/**
 * Makes a copy with changed bytes, copy-on-write where the file system can, and fsyncs it.
 *
 * @throws what the file system throws; then the copy is incomplete.
 */
export async function cloneFile(
  { from, to, patches, splices = [] }: CloneJob,
  files: FileSystem = nodeFiles,
): Promise<void> {
  if (splices.length > 0) await copySpliced(from, to, splices, files);
  else await files.copyFile(from, to, constants.COPYFILE_FICLONE);
  await files.chmod(to, (await files.stat(from)).mode | 0o200);
  await patchFile(to, patches, files);
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
