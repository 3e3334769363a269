import { UserError } from '../errors.js';
import { byteLength, DataType, dataTypeName } from './data-types.js';
import { readFileRange } from './source.js';
import { tensorByteLength } from './tensor-size.js';
import type { TensorProto } from './types.js';

/**
 * The elements of a tensor as raw_data would hold them (little-endian, row-major), from whichever field, file
 * or external data they are in. A large tensor is read whole.
 *
 * @throws UserError for string tensors, or external data that was not resolved by `openModel`.
 */
export function tensorBytes(tensor: TensorProto): Uint8Array {
  const bytes = rawBytes(tensor);
  const expected = tensorByteLength(tensor);
  if (expected === bytes.length) return bytes;
  throw new UserError(
    `Expected tensor \`${tensor.name ?? ''}\` (${dataTypeName(tensor.dataType)}) to have ${expected ?? 'numeric'} bytes, found ${bytes.length}.`,
    'tensor-size',
  );
}

/** `tensorBytes` without the check. */
export function rawBytes(tensor: TensorProto): Uint8Array {
  const { span } = tensor;
  if (tensor.rawData) return tensor.rawData;
  const typed = typedBytes(tensor);
  if (typed) return typed;
  if (span) return readFileRange(span.file, span.startBytes, span.endBytes);
  return new Uint8Array(0);
}

/**
 * Elements of the typed fields (onnx.proto, comments at TensorProto) as raw_data bytes; `null` when there are
 * none.
 */
function typedBytes(tensor: TensorProto): Uint8Array | null {
  const { floatData, doubleData, int32Data, int64Data, uint64Data } = tensor;
  if (floatData.length > 0) return bytesOf(Float32Array.from(floatData));
  if (doubleData.length > 0) return bytesOf(Float64Array.from(doubleData));
  if (int64Data.length > 0) return bytesOf(BigInt64Array.from(int64Data));
  if (uint64Data.length > 0) {
    if (tensor.dataType === DataType.UINT32) return bytesOf(Uint32Array.from(uint64Data, Number));
    return bytesOf(BigUint64Array.from(uint64Data));
  }
  if (int32Data.length === 0) return null;
  // Narrow types have their bit pattern in the low bits of each entry; typed arrays keep just those.
  const width = byteLength(tensor.dataType, 1) ?? 4;
  if (width === 1) return Uint8Array.from(int32Data);
  if (width === 2) return bytesOf(Uint16Array.from(int32Data));
  return bytesOf(Int32Array.from(int32Data));
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * Bytes `[start, end)` of the tensor's raw form, read from disk alone when they lie there.
 */
export function tensorByteRange(tensor: TensorProto, start: number, end: number): Uint8Array {
  const { span } = tensor;
  if (!span || tensor.rawData) return rawBytes(tensor).subarray(start, end);
  return readFileRange(span.file, span.startBytes + start, span.startBytes + end);
}
