import { existsSync, promises as nodeFiles } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { type FileSystem, syncFolder } from '../../files/atomic.js';
import { hashWithPatches } from '../../files/hash.js';
import { recordPath, setStatus } from '../../files/journal.js';
import { mergePatches } from '../../files/merge-patches.js';
import { type BytePatch, patchFile } from '../../files/patch.js';
import { cannotWrite } from '../../files/reasons.js';
import { isInside } from '../../onnx/external.js';
import { readStripRecord, type StripRecord } from './record.js';

export interface Restored {
  /** Absolute path of the model. */
  model: string;
  /** Files as they are again. */
  files: { name: string; sha256: string }[];
  /** Weights that have their old values again. */
  weights: number;
}

/**
 * Undoes a strip byte for byte, also one that was interrupted, by the sidecar beside the model; the sidecar is removed
 * when all is done. Interrupted itself, it is completed by the next call.
 *
 * @throws UserError when there is no sidecar, or it does not belong to the files: then nothing is written; and when the disk
 *   refuses: then the sidecar is still there.
 */
export async function undoStrip(model: string, files: FileSystem = nodeFiles): Promise<Restored> {
  const path = recordPath(model);
  if (!existsSync(path)) {
    throw new UserError(
      `Expected the record of a strip at \`${path}\`, found none: \`${model}\` has not been stripped by this tool, or its record was removed.`,
      'strip-record-missing',
    );
  }
  const record = await readStripRecord(path);
  const folder = dirname(path);
  const patches = patchesBack(record, folder);
  for (const file of record.files) await checkBelongs(file, record.status, folder, patches, path);
  try {
    await setStatus(path, 'pending', files);
    for (const { name } of record.files) {
      const own = patches.filter(({ file }) => file === join(folder, name));
      if (own.length > 0) await patchFile(join(folder, name), own, files);
    }
    await files.rm(path);
    await syncFolder(folder, files);
  } catch (error) {
    throw cannotWrite(model, error);
  }
  return {
    model: resolve(model),
    files: record.files.map(({ name, sha256 }) => ({ name, sha256: sha256.before })),
    weights: record.changes.reduce((sum, { elements }) => sum + elements.length, 0),
  };
}

/** What restores the old bytes: of changes to the same byte the first one's `before`. */
function patchesBack({ changes, files }: StripRecord, folder: string): BytePatch[] {
  const forward = changes.flatMap(({ file, offsets, width, before, after }) => {
    const [old, now] = [Buffer.from(before, 'base64'), Buffer.from(after, 'base64')];
    return offsets.map((offsetBytes, i) => ({
      file: join(folder, files[file]?.name ?? ''),
      offsetBytes,
      before: Uint8Array.from(old.subarray(i * width, (i + 1) * width)),
      after: Uint8Array.from(now.subarray(i * width, (i + 1) * width)),
    }));
  });
  return mergePatches(forward).map((patch) => ({ ...patch, before: patch.after, after: patch.before }));
}

async function checkBelongs(
  { name, bytes, sha256 }: StripRecord['files'][number],
  status: StripRecord['status'],
  folder: string,
  patches: readonly BytePatch[],
  record: string,
): Promise<void> {
  const file = join(folder, name);
  const refuse = (why: string) =>
    new UserError(
      `\`${record}\` does not belong to \`${file}\`: ${why}; nothing was written.`,
      'strip-record-foreign',
    );
  if (!isInside(file, folder)) throw refuse('it names a file outside its folder');
  const stat = await nodeFiles.stat(file).catch(() => null);
  if (!stat) throw refuse('there is no such file');
  if (stat.size !== bytes) {
    throw refuse(
      `the file has ${stat.size.toLocaleString('en-US')} bytes, expected ${bytes.toLocaleString('en-US')}`,
    );
  }
  const own = patches.filter((patch) => patch.file === file);
  const { now, patched } = await hashWithPatches(file, own);
  if (status === 'applied' && now !== sha256.after) throw refuse('the file has been changed since');
  if (patched !== sha256.before) throw refuse('with the old bytes put back it would not be the original');
}

/** The name of a file in a record: relative to the sidecar's folder. */
export const nameInRecord = (model: string, file: string): string => relative(dirname(resolve(model)), file);
