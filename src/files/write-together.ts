import { constants, promises as nodeFiles } from 'node:fs';
import type { FileSystem } from './atomic.js';
import { type CloneJob, cloneFile } from './clone.js';
import { openStaging } from './publish.js';
import { cannotWrite } from './reasons.js';

/** A file to be made. */
export type NewFile =
  /** A copy with changed bytes. */
  | CloneJob
  /**
   * The same bytes as `sharedWith`, by a hard link where the file system has them; `cloneFirst` tries
   * copy-on-write before.
   */
  | { to: string; sharedWith: string; cloneFirst?: boolean }
  | { to: string; bytes: Uint8Array };

/**
 * Makes files that belong together: all get their names, or none, also when the process is killed.
 *
 * @param output Path of the model file that they belong to; they lie in its folder or below.
 * @throws UserError when the disk is full or a folder cannot be written; nothing has its final name then.
 */
export async function writeTogether(
  output: string,
  made: readonly NewFile[],
  files: FileSystem = nodeFiles,
): Promise<void> {
  try {
    const staging = await openStaging(output, files);
    try {
      for (const file of made) await make(file, await staging.place(file.to), files);
      await staging.publish();
    } catch (error) {
      await staging.discard().catch(() => {});
      throw error;
    }
  } catch (error) {
    throw cannotWrite(output, error);
  }
}

async function make(file: NewFile, to: string, files: FileSystem): Promise<void> {
  if ('bytes' in file) return writeBytes(to, file.bytes, files);
  if (!('sharedWith' in file)) return cloneFile({ ...file, to }, files);
  const from = file.sharedWith;
  const isCloned =
    file.cloneFirst && (await succeeds(files.copyFile(from, to, constants.COPYFILE_FICLONE_FORCE)));
  if (isCloned) return;
  await files.rm(to, { force: true });
  if (!(await succeeds(files.link(from, to)))) await cloneFile({ from, to, patches: [] }, files);
}

async function writeBytes(path: string, bytes: Uint8Array, files: FileSystem): Promise<void> {
  const handle = await files.open(path, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );
