import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { wholeTensor } from './cut.js';
import { encodePieces, replacingData } from './encode.js';
import { tensorByteLength } from './tensor-size.js';
import type { ModelProto, StringStringEntryProto, TensorProto } from './types.js';
import { allTensors } from './walk.js';
import type { Deferred, Piece } from './writer.js';

/** External data of this size and more begins at a page, so that it can be mapped. */
const PAGE_BYTES = 4096;

export interface WrittenModel {
  /** Bytes of the model file. */
  modelBytes: number;
  /** Bytes of the external data file; `null` when there is none. */
  dataBytes: number | null;
}

/**
 * Writes a model to a new file, tensor by tensor: no more than a megabyte of weights is in memory. Tensors
 * whose data is external go to `data` one after the other, others into the model file.
 *
 * @param changed Bytes of tensors that are not those of the file they were read from.
 * @throws what the file system throws; then the files are incomplete.
 */
export function writeModel(
  model: ModelProto,
  changed: (tensor: TensorProto) => Deferred | null,
  path: string,
  data: { path: string; location: string },
): WrittenModel {
  const bytesOf = (tensor: TensorProto): Deferred | null =>
    changed(tensor) ?? (onDiskOnly(tensor) ? wholeTensor(tensor) : null);
  const external = [...allTensors(model)].filter(({ dataLocation }) => dataLocation === 1);
  const places = placesOf(external, bytesOf, data.location);
  if (external.length > 0) toFile(data.path, alignedPieces(places));
  const dataOf = (tensor: TensorProto) => places.get(tensor) ?? bytesOf(tensor);
  const { pieces, totalBytes } = encodePieces(model, replacingData(dataOf));
  toFile(path, pieces);
  const ends = [...places.values()].map(({ offsetBytes, bytes }) => offsetBytes + bytes.lengthBytes);
  return { modelBytes: totalBytes, dataBytes: external.length > 0 ? Math.max(...ends) : null };
}

/** Position of an external tensor in the data file. */
interface Placement {
  bytes: Deferred;
  offsetBytes: number;
  externalData: StringStringEntryProto[];
}

function placesOf(
  tensors: TensorProto[],
  bytesOf: (tensor: TensorProto) => Deferred | null,
  location: string,
): Map<TensorProto, Placement> {
  const places = new Map<TensorProto, Placement>();
  let at = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor) ?? wholeTensor(tensor);
    if (bytes.lengthBytes >= PAGE_BYTES) at = Math.ceil(at / PAGE_BYTES) * PAGE_BYTES;
    const entries = { location, offset: String(at), length: String(bytes.lengthBytes) };
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value, unknown: [] }));
    places.set(tensor, { bytes, offsetBytes: at, externalData });
    at += bytes.lengthBytes;
  }
  return places;
}

function* alignedPieces(places: Map<TensorProto, Placement>): Generator<Piece> {
  let at = 0;
  for (const { bytes, offsetBytes } of places.values()) {
    yield new Uint8Array(offsetBytes - at);
    yield bytes;
    at = offsetBytes + bytes.lengthBytes;
  }
}

function onDiskOnly(tensor: TensorProto): boolean {
  const { span, rawData, floatData, doubleData } = tensor;
  return (
    span !== undefined &&
    !rawData &&
    floatData.length === 0 &&
    doubleData.length === 0 &&
    span.endBytes - span.startBytes === tensorByteLength(tensor)
  );
}

/** Writes all pieces and waits until they are on the disk. */
function toFile(path: string, pieces: Iterable<Piece>): void {
  const descriptor = openSync(path, 'wx');
  try {
    for (const piece of pieces) {
      for (const chunk of piece instanceof Uint8Array ? [piece] : piece.chunks()) {
        for (let done = 0; done < chunk.length; ) done += writeSync(descriptor, chunk, done);
      }
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
