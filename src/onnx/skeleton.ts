import { realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { UserError } from '../errors.js';
import { hasCode, reasonOf } from '../files/reasons.js';
import { decodeModelProto } from './decode.js';
import { externalFolders, isInside, type ModelFile, resolveExternal } from './external.js';
import { HEAD_BYTES, recognise } from './magic.js';
import { folderInPlaceOfModel } from './model-folder.js';
import { skeletonSha256 } from './skeleton-hash.js';
import { fileSource, memorySource, type Source } from './source.js';
import { checkTensor } from './tensor-size.js';
import type { ModelProto } from './types.js';
import { allTensors } from './walk.js';
import { WireError } from './wire.js';

export type { ModelFile } from './external.js';

/** A model file as a skeleton: the structure in memory, large weights as spans of the files. */
export interface OpenedModel {
  proto: ModelProto;
  /** Absolute path of the model file as it was named; `files[0].path` is what it leads to. */
  path: string;
  /**
   * The deepest folder, without symbolic links, that holds every file of the model: spans are relative to it.
   */
  folder: string;
  /** The model file, then its external data files in order of first use. */
  files: ModelFile[];
  /** See `skeletonSha256`. */
  skeletonSha256: string;
}

/**
 * Opens a model without loading it: reads the structure, leaves tensors of more than 4,096 bytes on disk.
 * Takes time and memory proportional to the structure, not to the weights.
 *
 * @throws UserError with one sentence for whatever is wrong with the file or its external data.
 */
export function openModel(path: string): OpenedModel {
  const absolute = resolve(path);
  const stat = statOf(path, absolute);
  const realPath = realpathSync(absolute);
  const source = fileSource(realPath, path, stat.size);
  let proto: ModelProto;
  try {
    proto = decode(source);
  } finally {
    source.close();
  }
  const folders = externalFolders(path, absolute, realPath);
  for (const tensor of allTensors(proto)) {
    if (tensor.dataLocation === 1) resolveExternal(tensor, folders);
    checkTensor(tensor, `\`${path}\`: `);
  }
  const own = { path: realPath, name: basename(absolute), bytes: stat.size };
  // Two locations may name one file, and the model may refer to itself.
  const byPath = new Map([...folders.files.values(), own].map((file) => [file.path, file]));
  byPath.delete(realPath);
  const files = [own, ...byPath.values()];
  return {
    proto,
    path: absolute,
    folder: commonFolder(files.map((file) => file.path)),
    files,
    skeletonSha256: skeletonSha256(proto),
  };
}

/**
 * Decodes a model held in memory; its tensors are views of `bytes`, and external data stays unresolved.
 *
 * @throws UserError as `openModel` does.
 */
export function decodeModel(bytes: Uint8Array, name = 'model.onnx'): ModelProto {
  const proto = decode(memorySource(bytes, name));
  for (const tensor of allTensors(proto)) if (tensor.dataLocation !== 1) checkTensor(tensor, `\`${name}\`: `);
  return proto;
}

function statOf(path: string, absolute: string): Stats {
  let stat: Stats;
  try {
    stat = statSync(absolute);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) throw missing(path, cause);
    throw new UserError(`\`${path}\` cannot be opened: ${reasonOf(cause)}.`, 'file-unreadable', { cause });
  }
  if (stat.isDirectory()) throw folderInPlaceOfModel(path);
  if (!stat.isFile()) throw new UserError(`Expected \`${path}\` to be a regular file.`, 'file-unreadable');
  if (stat.size === 0) {
    throw new UserError(`\`${path}\` is empty: export or download it again.`, 'file-empty');
  }
  return stat;
}

function missing(path: string, cause: unknown): UserError {
  const next = /^https?:\/\//.test(path) ? ': download the model first, then name the file' : '';
  return new UserError(`Expected a model file at \`${path}\`, found nothing there${next}.`, 'file-missing', {
    cause,
  });
}

function decode(source: Source): ModelProto {
  let proto: ModelProto;
  try {
    proto = decodeModelProto(source);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw notOnnx(source) ?? broken(source, error);
  }
  if (!proto.graph) {
    throw (
      notOnnx(source) ??
      new UserError(
        `\`${source.name}\` has no graph (field 7): expected an ONNX model; if it is one, the file is cut short.`,
        'model-no-graph',
      )
    );
  }
  if (proto.opsetImport.length === 0) {
    throw new UserError(
      `\`${source.name}\` names no opset version (field 8, opset_import): the file is cut short; export or download it again.`,
      'model-no-opset',
    );
  }
  return proto;
}

/** An error for a file that is known not to be ONNX. */
function notOnnx(source: Source): UserError | null {
  const kind = recognise(source.copy(0, Math.min(HEAD_BYTES, source.sizeBytes)));
  if (!kind) return null;
  return new UserError(
    `Expected an ONNX model, but \`${source.name}\` is ${kind.is}: ${kind.next}.`,
    'file-not-onnx',
  );
}

/** An error for a file whose bytes break off or do not decode. */
function broken(source: Source, error: WireError): UserError {
  const options = { cause: error };
  // The lengths of nested messages are checked against those around them, so a cut shows in the outermost
  // one; a field without a name there is rather noise than a cut.
  const known = error.outer === null || error.outer?.includes('(');
  if (error.pastEnd && error.depth === 0 && known) {
    const inside = error.outer ? `inside field ${error.outer}` : 'in the middle of a field';
    return new UserError(
      `\`${source.name}\` ends ${inside} at byte ${source.sizeBytes.toLocaleString('en-US')}: the file is cut short; export or download it again.`,
      'file-truncated',
      options,
    );
  }
  return new UserError(
    `Expected an ONNX model, but \`${source.name}\` is none or damaged: found ${error.message} at byte ${error.at.toLocaleString('en-US')}, in ${error.inner ?? 'ModelProto'}; export or download it again.`,
    'file-damaged',
    options,
  );
}

/** The deepest folder that holds all files. */
function commonFolder(paths: string[]): string {
  let folder = dirname(paths[0]!);
  while (!paths.every((path) => isInside(path, folder))) folder = dirname(folder);
  return folder;
}
