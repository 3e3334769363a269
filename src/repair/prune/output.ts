import { chmodSync, mkdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder } from '../../files/atomic.js';
import { type CloneJob, writeClones } from '../../files/clone.js';
import { cannotWrite } from '../../files/reasons.js';
import { removeStale, temporaryName } from '../../files/temporary.js';
import type { Model } from '../../graph/model.js';
import { toOnnx } from '../../graph/to-onnx.js';
import type { OpenedModel } from '../../onnx/skeleton.js';
import type { TensorProto } from '../../onnx/types.js';
import { writeModel } from '../../onnx/write-model.js';
import type { Deferred } from '../../onnx/writer.js';
import { isThere, link } from '../beside.js';

/** A model that is written but has no final name yet. */
export interface Unpublished {
  /** Where it can be opened meanwhile. */
  path: string;
  files: { name: string; bytes: number }[];
  /** Gives the files their names: external data first, the model last. */
  publish(): Promise<void>;
  /** Removes what was written, if it was not published. */
  discard(): void;
}

/**
 * Writes a model beside its final place, in a folder of its own, so that it can be tried before anybody sees it.
 *
 * @throws UserError when the disk is full or the folder cannot be written; nothing is left then.
 */
export async function writeUnpublished(
  model: Model,
  deferred: ReadonlyMap<TensorProto, Deferred>,
  output: string,
): Promise<Unpublished> {
  const target = resolve(output);
  const folder = temporaryName(target);
  const path = join(folder, basename(target));
  const location = `${basename(target)}.data`;
  const discard = () => rmSync(folder, { recursive: true, force: true });
  try {
    await removeStale(dirname(target), target);
    mkdirSync(folder);
    const data = { path: join(folder, location), location };
    const { modelBytes, dataBytes } = writeModel(
      toOnnx(model),
      (tensor) => deferred.get(tensor) ?? null,
      path,
      data,
    );
    const files = [{ name: basename(target), bytes: modelBytes }];
    if (dataBytes !== null) files.push({ name: location, bytes: dataBytes });
    const publish = async () => {
      try {
        // An old model must not meet new weights.
        if (dataBytes !== null) {
          rmSync(target, { force: true });
          renameSync(data.path, join(dirname(target), location));
        }
        renameSync(path, target);
        await syncFolder(dirname(target));
      } catch (error) {
        throw cannotWrite(output, error);
      } finally {
        discard();
      }
    };
    return { path, files, publish, discard };
  } catch (error) {
    discard();
    throw cannotWrite(output, error);
  }
}

/** An identical copy of a model: cloned where the file system can, external data linked or copied beside it. */
export async function writeIdentical(
  { files }: OpenedModel,
  output: string,
): Promise<{ name: string; bytes: number }[]> {
  const target = resolve(output);
  const [own, ...external] = files;
  const jobs: CloneJob[] = [{ from: own!.path, to: target, patches: [] }];
  const linked: string[] = [];
  try {
    for (const { path, name } of external) {
      const to = join(dirname(target), name);
      if (isThere(path, to)) continue;
      mkdirSync(dirname(to), { recursive: true });
      if (link(path, to)) linked.push(to);
      else jobs.push({ from: path, to, patches: [] });
    }
    await writeClones(jobs);
  } catch (error) {
    for (const path of linked) unlinkSync(path);
    throw cannotWrite(output, error);
  }
  chmodSync(target, statSync(own!.path).mode);
  return [
    { name: basename(target), bytes: own!.bytes },
    ...external.map(({ name, bytes }) => ({ name, bytes })),
  ];
}
