import { createHash } from 'node:crypto';
import { wholeTensor } from './cut.js';
import { encodePieces, type Transform } from './encode.js';
import { IN_MEMORY_BYTES } from './payload.js';
import { rawBytes } from './tensor-bytes.js';
import { tensorByteLength } from './tensor-size.js';
import type { ModelProto, TensorProto, UnknownFields } from './types.js';

/**
 * Returns the SHA-256 of a model's structure: everything but doc strings, metadata, and the bytes of tensors
 * larger than 4,096 bytes, of which name, type and dimensions count. Smaller tensors count with their bytes,
 * wherever the file stores them, so that inline, typed and external storage of the same model give the same
 * sum.
 */
export function skeletonSha256(model: ModelProto): string {
  const sum = createHash('sha256');
  for (const piece of encodePieces(model, structure).pieces) {
    for (const chunk of piece instanceof Uint8Array ? [piece] : piece.chunks()) sum.update(chunk);
  }
  return sum.digest('hex');
}

const structure: Transform = (message, fields) => {
  const bare = { ...fields };
  delete bare.docString;
  if (bare.metadataProps !== undefined) bare.metadataProps = [];
  if (message !== 'TensorProto') return bare;
  return normal(bare as unknown as TensorProto) as unknown as typeof bare;
};

function normal(tensor: TensorProto): TensorProto {
  const bytes = tensorByteLength(tensor);
  const empty = { floatData: [], int32Data: [], int64Data: [], doubleData: [], uint64Data: [] };
  const { span: _span, rawData: _raw, dataLocation: _location, ...rest } = tensor;
  const bare: TensorProto = { ...rest, ...empty, externalData: [], unknown: [] as UnknownFields };
  if (bytes === undefined || bytes > IN_MEMORY_BYTES) return bare;
  // What is only on disk is read when its turn comes.
  const data = tensor.span && !tensor.rawData ? wholeTensor(tensor) : rawBytes(tensor);
  return { ...bare, rawData: data as Uint8Array };
}
