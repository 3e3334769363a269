import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../errors.js';
import { recordPath } from '../../files/journal.js';
import type { BytePatch } from '../../files/patch.js';
import type { Splice } from '../../files/splice.js';
import type { ModelFile, OpenedModel } from '../../onnx/skeleton.js';
import { isSameFile, relocateData, shifted } from '../relocate-data.js';
import { readStripRecord } from './record.js';

/** A file of the model and what becomes of it. */
export interface Target {
  source: ModelFile;
  path: string;
  /** At offsets of the target. */
  patches: BytePatch[];
  splices: Splice[];
  /** External data that the output looks for under another name. */
  relocated: boolean;
}

/**
 * Which files a strip writes, the model first. External data that is there already is none of them, unless its bytes
 * change: then it is copied under a new name.
 *
 * @throws UserError where external data would be written over what is not ours.
 */
export async function targetsOf(
  opened: OpenedModel,
  patches: readonly BytePatch[],
  model: string,
  inPlace: boolean,
): Promise<Target[]> {
  const [own, ...external] = opened.files;
  const targetOf = (source: ModelFile, path: string): Target => ({
    source,
    path,
    patches: patches.filter(({ file }) => file === source.path),
    splices: [],
    relocated: false,
  });
  if (inPlace) return opened.files.map((source) => targetOf(source, source.path));
  const folder = realpathSync(dirname(model));
  const ours = new Set(await filesOfRecord(recordPath(model)));
  const first = targetOf(own!, model);
  const others: Target[] = [];
  for (const source of external) {
    const target = targetOf(source, join(folder, source.name));
    if (!isSameFile(target.path, source.path)) others.push(mayWrite(target, ours));
    else if (target.patches.length > 0) others.push({ ...target, relocated: true });
  }
  const moving = others.filter(({ relocated }) => relocated).map(({ source }) => source);
  const { paths, splices } = relocateData(opened, moving, model, ours);
  for (const target of others) target.path = paths.get(target.source.path) ?? target.path;
  return [{ ...first, splices, patches: shifted(first.patches, splices) }, ...others];
}

function mayWrite(target: Target, ours: ReadonlySet<string>): Target {
  const { path } = target;
  if (!existsSync(path) || ours.has(path)) return target;
  throw new UserError(
    `\`${path}\` exists and would be written over with the external data of the output: write to another folder with -o.`,
    'output-exists',
  );
}

async function filesOfRecord(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  const { files } = await readStripRecord(path);
  return files.map(({ name }) => join(realpathSync(dirname(path)), name));
}
