import { basename } from 'node:path';
import { openStaging } from '../../files/publish.js';
import { cannotWrite } from '../../files/reasons.js';
import type { Model } from '../../graph/model.js';
import { toOnnx } from '../../graph/to-onnx.js';
import type { OpenedModel } from '../../onnx/skeleton.js';
import type { TensorProto } from '../../onnx/types.js';
import { writeModel } from '../../onnx/write-model.js';
import type { Deferred } from '../../onnx/writer.js';
import { copiesBeside, writeCopies } from '../model-copy.js';

/** A model that is written but has no final name yet. */
export interface Unpublished {
  /** Path at which it can be opened meanwhile. */
  path: string;
  files: { name: string; bytes: number }[];
  /** Gives the files their names. */
  publish(): Promise<void>;
  /** Removes what was written, if it was not published. */
  discard(): Promise<void>;
}

/**
 * Writes a model beside its final place, in a folder of its own, so that it can be tried before anybody sees
 * it.
 *
 * @throws UserError when the disk is full or the folder cannot be written; nothing is left then.
 */
export async function writeUnpublished(
  model: Model,
  deferred: ReadonlyMap<TensorProto, Deferred>,
  output: string,
): Promise<Unpublished> {
  const name = basename(output);
  const location = `${name}.data`;
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cannotWrite(output, error);
    }
  };
  const staging = await guarded(() => openStaging(output));
  try {
    return await guarded(async () => {
      const path = await staging.place(name);
      const data = { path: await staging.place(location), location };
      const { modelBytes, dataBytes } = writeModel(
        toOnnx(model),
        (tensor) => deferred.get(tensor) ?? null,
        path,
        data,
      );
      const files = [{ name, bytes: modelBytes }];
      if (dataBytes !== null) files.push({ name: location, bytes: dataBytes });
      return { path, files, publish: () => guarded(staging.publish), discard: staging.discard };
    });
  } catch (error) {
    await staging.discard();
    throw error;
  }
}

/**
 * Writes an identical copy of a model: cloned where the file system can, external data linked or copied
 * beside it.
 */
export async function writeIdentical(
  opened: OpenedModel,
  output: string,
): Promise<{ name: string; bytes: number }[]> {
  await writeCopies(output, copiesBeside(opened, [], output));
  const [own, ...external] = opened.files;
  return [
    { name: basename(output), bytes: own!.bytes },
    ...external.map(({ name, bytes }) => ({ name, bytes })),
  ];
}
