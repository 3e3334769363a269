import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../errors.js';
import type { Model } from '../graph/model.js';
import { toOnnx } from '../graph/to-onnx.js';
import { type CloneJob, cannotWrite, syncFolder, writeClones } from '../onnx/patch-files.js';
import type { OpenedModel } from '../onnx/skeleton.js';
import type { TensorProto } from '../onnx/types.js';
import { writeModel } from '../onnx/write-model.js';
import type { Deferred } from '../onnx/writer.js';

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
export function writeUnpublished(
  model: Model,
  deferred: ReadonlyMap<TensorProto, Deferred>,
  output: string,
): Unpublished {
  const target = resolve(output);
  const folder = join(
    dirname(target),
    `.${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`,
  );
  const path = join(folder, basename(target));
  const location = `${basename(target)}.data`;
  const discard = () => rmSync(folder, { recursive: true, force: true });
  try {
    removeStale(target);
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

/** Removes what a killed process left of the same output: folders whose process is gone. */
function removeStale(target: string): void {
  for (const name of readdirSync(dirname(target))) {
    const rest = name.startsWith(`.${basename(target)}.`) ? name.slice(basename(target).length + 2) : '';
    const [, pid] = /^(\d+)-[0-9a-f]{8}\.tmp$/.exec(rest) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) {
      rmSync(join(dirname(target), name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
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

/** Whether the file is there already. @throws UserError when another one is. */
export function isThere(from: string, to: string): boolean {
  const found = statSync(to, { throwIfNoEntry: false });
  if (!found) return false;
  const { dev, ino } = statSync(from);
  if (found.dev === dev && found.ino === ino) return true;
  throw new UserError(
    `\`${to}\` exists and would be written over with the weights of the output: write to another folder.`,
    'output-exists',
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
