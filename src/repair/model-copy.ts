import { existsSync, promises as nodeFiles, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../errors.js';
import type { FileSystem } from '../files/atomic.js';
import type { BytePatch } from '../files/patch.js';
import type { Splice } from '../files/splice.js';
import { type NewFile, writeTogether } from '../files/write-together.js';
import type { ModelFile, OpenedModel } from '../onnx/skeleton.js';
import { isSameFile, relocateData, shiftPatches } from './relocate-data.js';

/** A file of a model, and what a repair makes of it. */
export interface FileCopy {
  source: ModelFile;
  /** Absolute path of the copy; `source.path` in place. */
  path: string;
  /** True for the model file, false for external data. */
  isModel: boolean;
  /** Changed bytes, at offsets of the copy, by increasing offset. */
  patches: BytePatch[];
  /** Locations of external data in the model file that become others. */
  splices: Splice[];
  /** True for external data that the copy of the model finds under another name than the model did. */
  isRenamed: boolean;
}

/**
 * Lists the files of a copy of a model in which some bytes differ, the model file first. External data that
 * lies already where the copy looks for it is left out, unless its bytes change: then it is copied under a
 * new name.
 *
 * @param patches Merged, at offsets of the model's own files.
 * @param replaceable Paths of external data that the copy may write over.
 * @throws UserError where external data would be written over another file.
 */
export function copiesBeside(
  opened: OpenedModel,
  patches: readonly BytePatch[],
  output: string,
  replaceable: ReadonlySet<string> = new Set(),
): FileCopy[] {
  const folder = realpathSync(dirname(resolve(output)));
  const [model, ...external] = opened.files.map((source) => copyOf(opened, source, patches));
  model!.path = join(folder, basename(output));
  const data: FileCopy[] = [];
  for (const copy of external) {
    copy.path = join(folder, copy.source.name);
    const isInPlace = isSameFile(copy.path, copy.source.path);
    if (isInPlace && copy.patches.length === 0) continue;
    if (!isInPlace) refuseOthers(copy.path, replaceable);
    data.push({ ...copy, isRenamed: isInPlace });
  }
  const renamed = data.filter(({ isRenamed }) => isRenamed);
  const sources = renamed.map(({ source }) => source);
  const { paths, splices } = relocateData(opened, sources, output, replaceable);
  for (const copy of renamed) copy.path = paths.get(copy.source.path)!;
  return [{ ...model!, splices, patches: shiftPatches(model!.patches, splices) }, ...data];
}

/** Lists the files of a model that changes in place, the model file first. */
export function copiesInPlace(opened: OpenedModel, patches: readonly BytePatch[]): FileCopy[] {
  return opened.files.map((source) => copyOf(opened, source, patches));
}

function copyOf({ files }: OpenedModel, source: ModelFile, patches: readonly BytePatch[]): FileCopy {
  return {
    source,
    path: source.path,
    isModel: source === files[0],
    patches: patches.filter(({ file }) => file === source.path),
    splices: [],
    isRenamed: false,
  };
}

function refuseOthers(path: string, replaceable: ReadonlySet<string>): void {
  if (!existsSync(path) || replaceable.has(path)) return;
  throw new UserError(
    `\`${path}\` exists and would be written over with the external data of the output: write to another folder with \`output\`.`,
    'output-exists',
    { settings: ['output'] },
  );
}

/**
 * Writes the files of a copy, all or none. External data whose bytes stay is shared by a hard link where it
 * can be.
 *
 * @param output Path of the model file.
 * @param more Files that get their names together with them.
 * @throws UserError when the disk refuses; nothing is changed then.
 */
export async function writeCopies(
  output: string,
  copies: readonly FileCopy[],
  more: readonly NewFile[] = [],
  files: FileSystem = nodeFiles,
): Promise<void> {
  await writeTogether(output, [...copies.map(newFile), ...more], files);
}

function newFile({ source, path, patches, splices, isModel }: FileCopy): NewFile {
  if (!isModel && patches.length === 0) return { to: path, sharedWith: source.path };
  return { from: source.path, to: path, patches, splices };
}
