import { constants, existsSync, promises as nodeFiles } from 'node:fs';
import { dirname } from 'node:path';
import { type FileSystem, syncFolder } from './atomic.js';
import { chunksOf } from './hash.js';
import { type BytePatch, patchFile } from './patch.js';
import { cannotWrite } from './reasons.js';
import { type Splice, spliced } from './splice.js';
import { removeStale, temporaryName } from './temporary.js';

/** A file that is to be made: a copy of another with some bytes changed. */
export interface CloneJob {
  from: string;
  to: string;
  /** Applied after the splices: at offsets of the copy. */
  patches: readonly BytePatch[];
  /** Replaced by other bytes, also by more or fewer, by increasing offset; such a copy is written byte by byte. */
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
    for (const job of jobs) {
      await removeStale(dirname(job.to), job.to, files);
      const temporary = temporaryName(job.to);
      temporaries.push(temporary);
      await clone(job, temporary, files);
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

async function clone(
  { from, patches, splices = [] }: CloneJob,
  to: string,
  files: FileSystem,
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
