import { existsSync, promises as nodeFiles, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { type FileSystem, syncFolder } from '../../files/atomic.js';
import { hashWithPatches } from '../../files/hash.js';
import { recordPath, setStatus } from '../../files/journal.js';
import { mergePatches } from '../../files/merge-patches.js';
import { type BytePatch, patchFile } from '../../files/patch.js';
import { finishPublication } from '../../files/publish.js';
import { cannotWrite } from '../../files/reasons.js';
import { isInside } from '../../onnx/external.js';
import { readStripRecord, type StripRecord } from './record.js';

export interface Restored {
  /** Absolute path of the model. */
  model: string;
  /** Files as they are again. */
  files: { name: string; sha256: string }[];
  /** Number of weights that have their old values again. */
  weights: number;
}

/**
 * Undoes a strip byte for byte by the record beside the model, also a strip that was interrupted. Everything
 * is checked before the first byte is written: the record is of this model and its data, and its old bytes
 * make the original. The record is removed last. An undo that is interrupted itself is completed by the next
 * call.
 *
 * @throws UserError when there is no record, or it does not belong to the files: then nothing is written; and
 *   when the disk refuses: then the record is still there.
 */
export async function undoStrip(model: string, files: FileSystem = nodeFiles): Promise<Restored> {
  await finishPublication(model, files);
  const path = recordPath(model);
  if (!existsSync(path)) {
    throw new UserError(
      `Expected the record of a strip at \`${path}\`, found none: \`${model}\` has not been stripped by this tool, or its record was removed.`,
      'strip-record-missing',
    );
  }
  const record = await readStripRecord(path);
  const paths = await pathsOf(record, path);
  const patches = patchesBack(record, paths);
  for (const [i, file] of paths.entries()) await checkContents(record, i, file, patches, path);
  try {
    await setStatus(path, 'pending', files);
    for (const file of paths) {
      const own = patches.filter((patch) => patch.file === file);
      if (own.length > 0) await patchFile(file, own, files);
    }
    await files.rm(path);
    await syncFolder(dirname(path), files);
  } catch (error) {
    throw cannotWrite(model, error);
  }
  return {
    model: resolve(model),
    files: record.files.map(({ name, sha256 }) => ({ name, sha256: sha256.before })),
    weights: record.changes.reduce((sum, { offsets }) => sum + offsets.length, 0),
  };
}

/**
 * Returns the paths of a record's files, in their order.
 *
 * @throws UserError unless they are the model that the record lies beside, and files in its folder that no
 *   symbolic link leads out of.
 */
async function pathsOf(record: StripRecord, path: string): Promise<string[]> {
  const folder = realpathSync(dirname(path));
  const paths = record.files.map(({ name }) => join(folder, name));
  for (const [i, { bytes }] of record.files.entries()) {
    const file = paths[i]!;
    if (!isInside(file, folder)) throw foreign(path, file, 'it names a file outside its folder');
    const stat = await nodeFiles.stat(file).catch(() => null);
    if (!stat) throw foreign(path, file, 'there is no such file');
    const real = realpathSync(file);
    if (real !== file) throw foreign(path, file, `a symbolic link leads to \`${real}\`, outside its folder`);
    if (!stat.isFile()) throw foreign(path, file, 'it is no file');
    if (stat.size !== bytes) {
      const counts = [stat.size, bytes].map((count) => `${count.toLocaleString('en-US')} bytes`);
      throw foreign(path, file, `the file has ${counts[0]}, expected ${counts[1]}`);
    }
  }
  const model = basename(path, '.strip.json');
  const own = record.files[0]!.name;
  if (own !== model) {
    throw foreign(
      path,
      join(folder, model),
      `it is the record of \`${own}\`; undo that, or give it its name back`,
    );
  }
  return paths;
}

/**
 * Returns the patches that restore the old bytes. Of several changes of one byte the first one's old byte
 * counts.
 */
function patchesBack({ changes }: StripRecord, paths: readonly string[]): BytePatch[] {
  const forward = changes.flatMap(({ file, offsets, width, before, after }) => {
    const [old, now] = [Buffer.from(before, 'base64'), Buffer.from(after, 'base64')];
    return offsets.map((offsetBytes, i) => ({
      file: paths[file]!,
      offsetBytes,
      before: Uint8Array.from(old.subarray(i * width, (i + 1) * width)),
      after: Uint8Array.from(now.subarray(i * width, (i + 1) * width)),
    }));
  });
  return mergePatches(forward).map((patch) => ({ ...patch, before: patch.after, after: patch.before }));
}

/**
 * @throws UserError when a file is not as the strip left it, or the old bytes would not make it the original.
 */
async function checkContents(
  { files, status }: StripRecord,
  index: number,
  file: string,
  patches: readonly BytePatch[],
  record: string,
): Promise<void> {
  const { before, after } = files[index]!.sha256;
  const own = patches.filter((patch) => patch.file === file);
  const { now, patched } = await hashWithPatches(file, own);
  if (status === 'applied' && now !== after) {
    throw foreign(record, file, 'the file has been changed since');
  }
  if (patched !== before) {
    throw foreign(record, file, 'with the old bytes put back it would not be the original');
  }
}

function foreign(record: string, file: string, why: string): UserError {
  return new UserError(
    `\`${record}\` does not belong to \`${file}\`: ${why}; nothing was written.`,
    'strip-record-foreign',
  );
}
