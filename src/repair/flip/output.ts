import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { type CloneJob, writeClones } from '../../files/clone.js';
import { hashWithPatches } from '../../files/hash.js';
import type { BytePatch } from '../../files/patch.js';
import { cannotWrite } from '../../files/reasons.js';
import { growthOf } from '../../files/splice.js';
import type { ModelFile, OpenedModel } from '../../onnx/skeleton.js';
import { isThere, link } from '../beside.js';
import type { Destination } from '../destination.js';
import { isSameFile, relocateData, shifted } from '../relocate-data.js';
import type { FlipReport } from './schema.js';

/**
 * Writes a model with changed bytes as clones that get their names when all are complete. External data whose bytes
 * stay is linked or copied, changed data beside the original gets a new name; in place the changed file is replaced by
 * its clone, so that a kill leaves the old or the new one.
 *
 * @throws UserError when the disk refuses, or the output's external data would be written over another file.
 */
export async function writeFlipped(
  opened: OpenedModel,
  to: Destination,
  patches: readonly BytePatch[],
  signal: AbortSignal,
): Promise<NonNullable<FlipReport['output']>> {
  const inPlace = 'inPlace' in to;
  const path = inPlace ? opened.path : resolve(to.output);
  const of = ({ path: file }: ModelFile) =>
    patches.filter((patch) => patch.file === file).sort((a, b) => a.offsetBytes - b.offsetBytes);
  const changed = opened.files.filter((file) => of(file).length > 0);
  if (inPlace && changed.length > 1) {
    throw new UserError(
      `The weights to negate lie in ${changed.length} files, which cannot be replaced at one moment: write to another folder with -o.`,
      'in-place-several-files',
    );
  }
  const folder = realpathSync(dirname(path));
  const moving = inPlace ? [] : changed.filter((file) => isSameFile(join(folder, file.name), file.path));
  const { paths, splices } = relocateData(opened, moving, path, new Set());
  const own = { patches: shifted(of(opened.files[0]!), splices), splices };
  const files: NonNullable<FlipReport['output']>['files'] = [];
  for (const file of opened.files.filter((each, i) => i === 0 || changed.includes(each))) {
    const edits = file === opened.files[0] ? own : { patches: of(file), splices: [] };
    const { now, patched } = await hashWithPatches(file.path, edits.patches, { ...edits, signal });
    files.push({
      name: basename(paths.get(file.path) ?? '') || file.name,
      bytes: file.bytes + growthOf(edits.splices),
      sha256: { before: now, after: patched },
    });
  }
  if (inPlace) {
    await writeClones(changed.map((file) => ({ from: file.path, to: file.path, patches: of(file) })));
    return { path, files };
  }
  const jobs: CloneJob[] = [{ from: opened.files[0]!.path, to: path, ...own }];
  const made: string[] = [...paths.values()];
  try {
    for (const file of opened.files.slice(1)) {
      const target = paths.get(file.path) ?? join(folder, file.name);
      if (isThere(file.path, target)) continue;
      mkdirSync(dirname(target), { recursive: true });
      if (!changed.includes(file) && link(file.path, target)) made.push(target);
      else jobs.push({ from: file.path, to: target, patches: of(file) });
    }
    await writeClones(jobs);
  } catch (error) {
    for (const target of made) rmSync(target, { force: true });
    throw cannotWrite(path, error);
  }
  return { path, files };
}
