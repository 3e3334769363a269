import { linkSync, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../errors.js';
import type { BytePatch } from '../onnx/patch.js';
import { type CloneJob, cannotWrite, hashWithPatches, writeClones } from '../onnx/patch-files.js';
import type { ModelFile, OpenedModel } from '../onnx/skeleton.js';
import type { FlipReport } from '../report/flip-schema.js';
import type { Destination } from './strip-output.js';

/**
 * Writes a model with changed bytes as clones that get their names when all are complete. External data whose bytes
 * stay is linked or copied; in place the changed file is replaced by its clone, so that a kill leaves the old or the
 * new one.
 *
 * @throws UserError when the disk refuses, or the output would share changed data with the input.
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
  const files: NonNullable<FlipReport['output']>['files'] = [];
  for (const file of opened.files.filter((each, i) => i === 0 || changed.includes(each))) {
    const { now, patched } = await hashWithPatches(file.path, of(file), signal);
    files.push({ name: file.name, bytes: file.bytes, sha256: { before: now, after: patched } });
  }
  if (inPlace) {
    await writeClones(changed.map((file) => ({ from: file.path, to: file.path, patches: of(file) })));
    return { path, files };
  }
  const jobs: CloneJob[] = [{ from: opened.files[0]!.path, to: path, patches: of(opened.files[0]!) }];
  const linked: string[] = [];
  try {
    for (const file of opened.files.slice(1)) {
      const target = join(realpathSync(dirname(path)), file.name);
      if (isThere(file, target, changed.includes(file))) continue;
      mkdirSync(dirname(target), { recursive: true });
      if (!changed.includes(file) && link(file.path, target)) linked.push(target);
      else jobs.push({ from: file.path, to: target, patches: of(file) });
    }
    await writeClones(jobs);
  } catch (error) {
    for (const target of linked) rmSync(target, { force: true });
    throw cannotWrite(path, error);
  }
  return { path, files };
}

/** Whether external data lies where the output looks for it. @throws UserError when something else does. */
function isThere(file: ModelFile, target: string, changes: boolean): boolean {
  const found = statSync(target, { throwIfNoEntry: false });
  if (!found) return false;
  const { dev, ino } = statSync(file.path);
  const same = found.dev === dev && found.ino === ino;
  if (same && !changes) return true;
  throw new UserError(
    same
      ? `The weights to negate lie in \`${file.name}\`, and the output would need a changed copy of the same name: write to another folder with -o.`
      : `\`${target}\` exists and would be written over with the external data of the output: write to another folder with -o.`,
    same ? 'output-shares-data' : 'output-exists',
  );
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}
