import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.js';
import type { BytePatch } from '../files/patch.js';
import { type Splice, shiftBy } from '../files/splice.js';
import { relocate } from '../onnx/relocate.js';
import type { ModelFile, OpenedModel } from '../onnx/skeleton.js';
import { allTensors } from '../onnx/walk.js';

/** New names of copies of external data, and the change of the model file that makes it read them. */
export interface Relocation {
  /** Absolute path of each copy, by that of the original. */
  paths: Map<string, string>;
  /** Replacements of the old locations in the copy of the model file. */
  splices: Splice[];
}

/**
 * Names copies of external data beside the output: `out.onnx.data` for one file, `out.onnx.1.data` and so on
 * for several. A name is chosen that nothing has yet, or that an earlier output of the same name has left.
 *
 * @param sources External data to be copied.
 * @param replaceable Paths that the output may write over.
 * @throws UserError for an output whose name cannot be part of a location.
 */
export function relocateData(
  opened: OpenedModel,
  sources: readonly ModelFile[],
  output: string,
  replaceable: ReadonlySet<string>,
): Relocation {
  const paths = new Map<string, string>();
  if (sources.length === 0) return { paths, splices: [] };
  const name = basename(output);
  if (/^[a-z]:|[\\\0]/i.test(name)) {
    throw new UserError(
      `\`${name}\` cannot be the output: its external data would be named after it, and \`\\\` and \`c:\` in such names lead out of the model's folder; name another output.`,
      'output-name',
    );
  }
  const folder = realpathSync(dirname(output));
  const taken = new Set([join(folder, name), ...opened.files.map((file) => join(folder, file.name))]);
  const free = (path: string) =>
    !taken.has(path) && (isNothing(path) || (replaceable.has(path) && !isInput(path, opened)));
  for (const { path: source } of sources) {
    let k = sources.length > 1 ? 1 : 0;
    const candidate = () => join(folder, k === 0 ? `${name}.data` : `${name}.${k}.data`);
    while (!free(candidate())) k++;
    paths.set(source, candidate());
    taken.add(candidate());
  }
  const renamed = new Map<string, string>();
  for (const { dataLocation, externalData, span } of allTensors(opened.proto)) {
    const to = dataLocation === 1 && span ? paths.get(span.file) : undefined;
    const location = externalData.findLast(({ key }) => key === 'location')?.value;
    if (to !== undefined && location) renamed.set(location, basename(to));
  }
  return { paths, splices: relocate(opened.files[0]!, renamed) };
}

/**
 * Returns patches of the model file as patches of its copy: bytes have moved where locations are longer or
 * shorter.
 */
export function shiftPatches(patches: readonly BytePatch[], splices: readonly Splice[]): BytePatch[] {
  const shift = shiftBy(splices);
  return patches.map((patch) => ({ ...patch, offsetBytes: shift(patch.offsetBytes) }));
}

/** Returns true if two paths lead to one file, whatever their names; false if the first leads nowhere. */
export function isSameFile(path: string, other: string): boolean {
  const existing = statSync(path, { throwIfNoEntry: false });
  if (!existing) return false;
  const { dev, ino } = statSync(other);
  return existing.dev === dev && existing.ino === ino;
}

/** True if nothing has this name, not even a link that leads nowhere. */
const isNothing = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) === undefined;

const isInput = (path: string, { files }: OpenedModel): boolean =>
  files.some((file) => isSameFile(path, file.path));
