import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { UserError } from '../errors.js';
import type { CheckpointPattern } from './checkpoints.js';

/** One .onnx file below the models folder. */
export interface ModelFile {
  /** Path below the folder, with slashes. */
  file: string;
  /** Path to open. */
  path: string;
  /** Name of the model in metrics and reports; the checkpoints of a training run share it. */
  model: string;
  /** Training step of a checkpoint. */
  step: number | null;
  bytes: number;
  /** Text that changes whenever the file or its external data does. */
  signature: string;
  /** Time of the last change of content or name, milliseconds since 1970. */
  changedAt: number;
  /**
   * True if the file was renamed (or linked) after its last byte was written, so that it cannot still be
   * growing.
   */
  complete: boolean;
}

/** Folders deeper than this are a mistake, such as a mounted root. */
const DEEPEST = 12;

/**
 * Lists all models below a folder, by name and step. Hidden files, and links that lead out of the folder, are
 * left out.
 *
 * @throws UserError when the folder cannot be read.
 */
export async function scanModelFiles(
  folder: string,
  checkpoints: CheckpointPattern | null,
): Promise<ModelFile[]> {
  const root = await realpath(folder).catch((cause) => {
    throw new UserError(`The models folder \`${folder}\` cannot be read.`, 'models-folder', { cause });
  });
  const files: ModelFile[] = [];
  const visited = new Set<string>();
  const walk = async (path: string, depth: number): Promise<void> => {
    const real = await realpath(path).catch(() => null);
    if (real === null || !isInside(root, real) || visited.has(real) || depth > DEEPEST) return;
    visited.add(real);
    const entries = await readdir(path, { withFileTypes: true }).catch((): Dirent[] => []);
    for (const { name } of entries) {
      if (name.startsWith('.')) continue;
      const child = join(path, name);
      const info = await stat(child).catch(() => null);
      if (info?.isDirectory()) await walk(child, depth + 1);
      else if (info?.isFile() && name.endsWith('.onnx')) {
        const file = await modelFile(root, child, entries, checkpoints);
        if (file !== null) files.push(file);
      }
    }
  };
  await walk(root, 0);
  return files.sort((a, b) =>
    a.model < b.model ? -1 : a.model > b.model ? 1 : (a.step ?? 0) - (b.step ?? 0),
  );
}

/**
 * Describes one file together with its external data; `null` if it is a link that leads outside, or is gone.
 *
 * @param siblings Entries of the file's folder. External data is found by its usual names: `model.onnx_data`,
 *   `model.onnx.data`.
 */
async function modelFile(
  root: string,
  path: string,
  siblings: Dirent[],
  checkpoints: CheckpointPattern | null,
): Promise<ModelFile | null> {
  const real = await realpath(path).catch(() => null);
  if (real === null || !isInside(root, real)) return null;
  const base = basename(path);
  const names = siblings
    .map(({ name }) => name)
    .filter(
      (name) => name === base || (name.startsWith(base) && /^[._-]?data/.test(name.slice(base.length))),
    );
  const found = await Promise.all(
    names.sort().map((name) => stat(join(dirname(path), name), { bigint: true }).catch(() => null)),
  );
  const stats = found.filter((info) => info !== null);
  const file = relative(root, path).split(sep).join('/');
  const checkpoint = checkpoints?.(file) ?? null;
  return {
    file,
    path,
    model: checkpoint?.model ?? file.replace(/\.onnx$/, ''),
    step: checkpoint?.step ?? null,
    bytes: Number((await stat(real)).size),
    signature: stats
      .map(({ ino, size, mtimeNs, ctimeNs }) => `${ino}:${size}:${mtimeNs}:${ctimeNs}`)
      .join(' '),
    changedAt: Math.max(...stats.map(({ mtimeMs, ctimeMs }) => Math.max(Number(mtimeMs), Number(ctimeMs)))),
    complete: stats.every(({ mtimeNs, ctimeNs }) => ctimeNs > mtimeNs),
  };
}

/**
 * Finds the file that a request names: by the model's name (its latest checkpoint), or by a path below the
 * folder.
 *
 * @throws UserError for a path that leads outside, and for a model that is not there.
 */
export function findModelFile(files: readonly ModelFile[], name: string): ModelFile {
  const outside = /^(\/|[A-Za-z]:)|\0/.test(name) || name.split(/[/\\]/).includes('..');
  if (outside) {
    throw new UserError(
      `Expected \`model\` to be a name below the models folder, got \`${name}\`: other places are not served.`,
      'model-outside',
    );
  }
  const file = name.replace(/^\.\//, '');
  const found =
    files.find((candidate) => candidate.file === file) ??
    files
      .filter(({ model }) => model === file)
      .sort((a, b) => (a.step ?? 0) - (b.step ?? 0))
      .at(-1);
  if (found) return found;
  throw new UserError(
    `There is no model \`${name}\` in the models folder, or it is a link that leads outside; the list is /api/v1/models.`,
    'model-unknown',
  );
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}
