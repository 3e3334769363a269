import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { UserError } from '../errors.js';
import { MAX_SMALL_EXTERNAL_BYTES } from './limits.js';
import { IN_MEMORY_BYTES } from './payload.js';
import { readFileRange } from './source.js';
import { tensorByteLength } from './tensor-size.js';
import type { TensorProto } from './types.js';

/** A file of a model. */
export interface ModelFile {
  /** Absolute path without symbolic links. */
  path: string;
  /** Name that the user or the model gives it: the model's file name, or the external data's location. */
  name: string;
  bytes: number;
}

/** Folders that a model's external data may lie in. */
export interface ExternalFolders {
  /** The model as the user named it, for messages. */
  name: string;
  /** Folder of the model's path, without symbolic links. */
  own: string;
  /** Folder of the file that the model's path leads to, when it is a symbolic link (a hub cache). */
  target: string;
  /** Found so far, by location. */
  files: Map<string, ModelFile>;
  /** Bytes of small tensors that have been read so far. */
  smallBytes: number;
}

/**
 * Resolves a tensor's external data (https://github.com/onnx/onnx/blob/main/docs/ExternalData.md) to a span,
 * and reads it when it is small. `offset` defaults to 0, `length` to what the dimensions ask for.
 *
 * @throws UserError when the location is absolute, leaves the model's folder, or the file is missing or too
 *   short.
 */
export function resolveExternal(tensor: TensorProto, folders: ExternalFolders): void {
  const of = `\`${folders.name}\`: the external data of tensor \`${tensor.name ?? ''}\``;
  const entry = (key: string) => tensor.externalData.findLast((pair) => pair.key === key)?.value;
  const location = entry('location');
  if (!location) throw new UserError(`${of} has no location.`, 'external-data-location');
  const file = folders.files.get(location) ?? findFile(location, folders, of);
  folders.files.set(location, file);
  const start = number(entry('offset'), 'offset', of) ?? 0;
  const expected = tensorByteLength(tensor, `\`${folders.name}\`: `);
  const length = number(entry('length'), 'length', of) ?? expected ?? Math.max(0, file.bytes - start);
  if (expected !== undefined && length !== expected) {
    throw new UserError(
      `${of} has ${bytes(length)} by its length, expected ${bytes(expected)} by its dimensions.`,
      'external-data-length',
    );
  }
  if (start + length > file.bytes) {
    throw new UserError(
      `${of} ends at byte ${(start + length).toLocaleString('en-US')} of \`${location}\`, which has only ${bytes(file.bytes)}: the file is cut short; export or download it again.`,
      'external-data-truncated',
    );
  }
  tensor.span = { file: file.path, startBytes: start, endBytes: start + length };
  if (length > IN_MEMORY_BYTES || folders.smallBytes > MAX_SMALL_EXTERNAL_BYTES) return;
  folders.smallBytes += length;
  tensor.rawData = readFileRange(file.path, start, start + length);
}

function findFile(location: string, folders: ExternalFolders, of: string): ModelFile {
  const parts = location.split(/[/\\]/);
  if (/^([/\\]|[a-z]:)/i.test(location) || location.includes('\0')) {
    throw new UserError(
      `${of} is at the absolute path \`${location}\`; expected a path below the model's folder.`,
      'external-data-outside',
    );
  }
  if (parts.includes('..')) {
    throw new UserError(
      `${of} is at \`${location}\`, which leaves the model's folder; expected a path below it.`,
      'external-data-outside',
    );
  }
  for (const folder of new Set([folders.own, folders.target])) {
    const path = realpathOrNull(join(folder, location));
    if (path === null) continue;
    if (!isInside(path, folders.own) && !isInside(path, folders.target)) {
      throw new UserError(
        `${of} is at \`${location}\`, a symbolic link that leads out of the model's folder; expected a file below it.`,
        'external-data-outside',
      );
    }
    const stat = statSync(path);
    if (!stat.isFile()) {
      throw new UserError(`${of} is at \`${location}\`, which is no file.`, 'external-data-missing');
    }
    return { path, name: location, bytes: stat.size };
  }
  throw new UserError(
    `${of} is missing: expected \`${location}\` beside \`${basename(folders.name)}\`, found no such file in \`${folders.own}\`; download or copy it there.`,
    'external-data-missing',
  );
}

/** Returns true if `path` is `folder` or below it; both without symbolic links. */
export function isInside(path: string, folder: string): boolean {
  return `${path}${sep}`.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

/** Returns the folders of a model file. */
export function externalFolders(name: string, path: string, realPath: string): ExternalFolders {
  const own = realpathSync(dirname(path));
  return { name, own, target: dirname(realPath), files: new Map(), smallBytes: 0 };
}

function realpathOrNull(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

function number(text: string | undefined, key: string, of: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UserError(
    `${of} has the ${key} \`${text.slice(0, 40)}\`; expected a whole number of bytes.`,
    'external-data-location',
  );
}

const bytes = (count: number): string => `${count.toLocaleString('en-US')} bytes`;
