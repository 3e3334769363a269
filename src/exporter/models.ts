import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { UserError } from '../errors.js';

/** One .onnx file below the models folder. */
export interface ModelFile {
  /** Path below the folder, with slashes. */
  file: string;
  /** Path to open. */
  path: string;
  /** What metrics and reports call the model; checkpoints of a run share it. */
  model: string;
  /** Training step of a checkpoint. */
  step: number | null;
  bytes: number;
  /** Changes whenever the file, or what lies beside it under its name, does. */
  signature: string;
  /** When the content or the name last changed, milliseconds since 1970. */
  changedAt: number;
  /** Put there whole: something happened to it, such as a rename, after the last byte was written. */
  complete: boolean;
}

/** Files and the step they carry: what `--checkpoints` describes. */
export type CheckpointPattern = (file: string) => { model: string; step: number } | null;

/**
 * A pattern such as `<name>-step-<n>.onnx`, matched against the path below the models folder; `*` stands for any text.
 *
 * @throws UserError when it lacks `<name>` or `<n>`.
 */
export function checkpointPattern(pattern: string): CheckpointPattern {
  const parts = pattern.split(/(<name>|<n>|\*)/);
  if (
    parts.filter((part) => part === '<name>').length !== 1 ||
    parts.filter((part) => part === '<n>').length !== 1
  ) {
    throw new UserError(
      `Expected \`--checkpoints\` to hold \`<name>\` and \`<n>\` once each, as in \`<name>-step-<n>.onnx\`, got \`${pattern}\`.`,
      'checkpoint-pattern',
    );
  }
  const source = parts.map((part) => {
    if (part === '<name>') return '(?<name>.+?)';
    if (part === '<n>') return '(?<step>\\d{1,15})';
    return part === '*' ? '.*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  const matcher = new RegExp(`^${source.join('')}$`);
  return (file) => {
    const { name, step } = matcher.exec(file)?.groups ?? {};
    return name === undefined ? null : { model: name, step: Number(step) };
  };
}

/** Folders deeper than this are not models any more, but a mistake. */
const DEEPEST = 12;

/**
 * All models below a folder, by path. Hidden files, and links that lead out of the folder, are left out.
 *
 * @throws UserError when the folder cannot be read.
 */
export async function scanModels(
  folder: string,
  checkpoints: CheckpointPattern | null,
): Promise<ModelFile[]> {
  const root = await realpath(folder).catch((cause) => {
    throw new UserError(`The models folder \`${folder}\` cannot be read.`, 'models-folder', { cause });
  });
  const found: ModelFile[] = [];
  const visited = new Set<string>();
  const walk = async (at: string, depth: number): Promise<void> => {
    const real = await realpath(at).catch(() => null);
    if (real === null || !isInside(root, real) || visited.has(real) || depth > DEEPEST) return;
    visited.add(real);
    const entries = await readdir(at, { withFileTypes: true }).catch((): Dirent[] => []);
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = join(at, entry.name);
      const info = await stat(path).catch(() => null);
      if (info?.isDirectory()) await walk(path, depth + 1);
      else if (info?.isFile() && entry.name.endsWith('.onnx')) {
        const one = await describe(root, path, entries, checkpoints);
        if (one !== null) found.push(one);
      }
    }
  };
  await walk(root, 0);
  return found.sort((a, b) =>
    a.model < b.model ? -1 : a.model > b.model ? 1 : (a.step ?? 0) - (b.step ?? 0),
  );
}

/** The file with those that hold its external data, as exporters name them: `model.onnx_data`, `model.onnx.data`. */
async function describe(
  root: string,
  path: string,
  beside: Dirent[],
  checkpoints: CheckpointPattern | null,
): Promise<ModelFile | null> {
  const real = await realpath(path).catch(() => null);
  if (real === null || !isInside(root, real)) return null;
  const base = basename(path);
  const names = beside
    .map(({ name }) => name)
    .filter(
      (name) => name === base || (name.startsWith(base) && /^[._-]?data/.test(name.slice(base.length))),
    );
  const stats = await Promise.all(
    names.sort().map((name) => stat(join(dirname(path), name), { bigint: true }).catch(() => null)),
  );
  const known = stats.filter((one) => one !== null);
  const file = relative(root, path).split(sep).join('/');
  const checkpoint = checkpoints?.(file) ?? null;
  return {
    file,
    path,
    model: checkpoint?.model ?? file.replace(/\.onnx$/, ''),
    step: checkpoint?.step ?? null,
    bytes: Number((await stat(real)).size),
    signature: known
      .map(({ ino, size, mtimeNs, ctimeNs }) => `${ino}:${size}:${mtimeNs}:${ctimeNs}`)
      .join(' '),
    changedAt: Math.max(...known.map(({ mtimeMs, ctimeMs }) => Math.max(Number(mtimeMs), Number(ctimeMs)))),
    complete: known.every(({ mtimeNs, ctimeNs }) => ctimeNs > mtimeNs),
  };
}

/**
 * The file that a request means: a model's name (then its latest checkpoint) or a path below the folder.
 *
 * @throws UserError for a path that leads outside, and for one that is not there.
 */
export function findModel(files: readonly ModelFile[], asked: string): ModelFile {
  const steps = asked.split(/[/\\]/);
  if (asked.startsWith('/') || /^[A-Za-z]:/.test(asked) || steps.includes('..') || asked.includes('\0')) {
    throw new UserError(
      `Expected \`model\` to be a name below the models folder, got \`${asked}\`: other places are not served.`,
      'model-outside',
    );
  }
  const name = asked.replace(/^\.\//, '');
  const found =
    files.find(({ file }) => file === name) ??
    files.filter(({ model }) => model === name).sort((a, b) => (b.step ?? 0) - (a.step ?? 0))[0];
  if (found) return found;
  throw new UserError(
    `There is no model \`${asked}\` in the models folder, or it is a link that leads outside; the list is /api/v1/models.`,
    'model-unknown',
  );
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}
