import { UserError } from '../errors.js';
import { byteLength, DataType, dataTypeName } from './data-types.js';
import { bf16ToF32, type Float8, f8ToF32, f16ToF32 } from './floats.js';
import { tensorByteRange, tensorBytes } from './tensor-bytes.js';
import { elementCount } from './tensor-size.js';
import type { TensorProto } from './types.js';

export { tensorByteRange, tensorBytes } from './tensor-bytes.js';
export { elementCount } from './tensor-size.js';

/** Numbers of a tensor: float32 for the floating-point types up to 32 bits, float64 for all others. */
export type Numbers = Float32Array | Float64Array;

/** Elements further apart on disk than this are read separately. */
const GAP_BYTES = 4096;

/**
 * Returns all elements of a tensor, row-major. 64-bit integers above 2^53 are rounded; booleans are 0 and 1.
 *
 * @throws UserError for strings, complex numbers and unknown types.
 */
export function readNumbers(tensor: TensorProto): Numbers {
  return decodeNumbers(tensor, tensorBytes(tensor), 0, elementCount(tensor));
}

/**
 * Returns elements `[start, end)`, or those at flat indices in their order; reads only these from disk.
 *
 * @throws RangeError for an index outside the tensor; UserError as `readNumbers`.
 */
export function readElements(
  tensor: TensorProto,
  which: { start: number; end: number } | ArrayLike<number>,
): Numbers {
  const count = elementCount(tensor);
  if ('start' in which) {
    const { start, end } = which;
    if (!(start >= 0 && start <= end && end <= count)) {
      throw new RangeError(`elements [${start}, ${end}) of a tensor of ${count}`);
    }
    return decodeRange(tensor, start, end);
  }
  const indices = Array.from(which);
  for (const index of indices) {
    if (!(Number.isInteger(index) && index >= 0 && index < count)) {
      throw new RangeError(`element ${index} of a tensor of ${count}`);
    }
  }
  const result = newNumbers(tensor, indices.length);
  const order = indices.map((_, i) => i).sort((a, b) => indices[a]! - indices[b]!);
  const gap = (GAP_BYTES * 8) / (bitsOf(tensor) || 8);
  const perRun = (1 << 23) / (bitsOf(tensor) || 8);
  for (let from = 0; from < order.length; ) {
    const first = indices[order[from]!]!;
    let to = from + 1;
    while (to < order.length) {
      const next = indices[order[to]!]!;
      if (next - indices[order[to - 1]!]! > gap || next - first > perRun) break;
      to++;
    }
    const run = decodeRange(tensor, first, indices[order[to - 1]!]! + 1);
    for (let i = from; i < to; i++) result[order[i]!] = run[indices[order[i]!]! - first]!;
    from = to;
  }
  return result;
}

function bitsOf(tensor: TensorProto): number {
  return byteLength(tensor.dataType, 8) ?? 0;
}

function newNumbers(tensor: TensorProto, count: number): Numbers {
  return single.has(tensor.dataType ?? 0) ? new Float32Array(count) : new Float64Array(count);
}

const { FLOAT, FLOAT16, BFLOAT16, FLOAT8E4M3FN, FLOAT8E4M3FNUZ, FLOAT8E5M2, FLOAT8E5M2FNUZ } = DataType;
const single = new Set<number>([
  FLOAT,
  FLOAT16,
  BFLOAT16,
  FLOAT8E4M3FN,
  FLOAT8E4M3FNUZ,
  FLOAT8E5M2,
  FLOAT8E5M2FNUZ,
]);

function decodeRange(tensor: TensorProto, start: number, end: number): Numbers {
  const bits = bitsOf(tensor);
  if (bits === 0) throw notNumeric(tensor);
  const firstByte = Math.floor((start * bits) / 8);
  const bytes = tensorByteRange(tensor, firstByte, Math.ceil((end * bits) / 8));
  return decodeNumbers(tensor, bytes, start - Math.ceil((firstByte * 8) / bits), end - start);
}

/** `count` elements from element `first` of `bytes` on. */
function decodeNumbers(tensor: TensorProto, bytes: Uint8Array, first: number, count: number): Numbers {
  const read = reader(tensor, bytes);
  const numbers = newNumbers(tensor, count);
  for (let i = 0; i < count; i++) numbers[i] = read(first + i);
  return numbers;
}

const float8: Record<number, Float8> = {
  [FLOAT8E4M3FN]: 'e4m3fn',
  [FLOAT8E4M3FNUZ]: 'e4m3fnuz',
  [FLOAT8E5M2]: 'e5m2',
  [FLOAT8E5M2FNUZ]: 'e5m2fnuz',
};

/** Values of FLOAT4E2M1 without sign (OCP Microscaling Formats, section 5.3.3). */
const e2m1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

function reader(tensor: TensorProto, bytes: Uint8Array): (i: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Sub-byte elements: the first one in the lowest bits. */
  const packed = (i: number, width: number) =>
    (bytes[Math.floor((i * width) / 8)]! >> ((i * width) % 8)) & ((1 << width) - 1);
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return (i) => view.getFloat32(i * 4, true);
    case DataType.DOUBLE:
      return (i) => view.getFloat64(i * 8, true);
    case DataType.FLOAT16:
      return (i) => f16ToF32(view.getUint16(i * 2, true));
    case DataType.BFLOAT16:
      return (i) => bf16ToF32(view.getUint16(i * 2, true));
    case DataType.INT8:
      return (i) => view.getInt8(i);
    case DataType.UINT8:
      return (i) => bytes[i]!;
    case DataType.BOOL:
      return (i) => (bytes[i] ? 1 : 0);
    case DataType.INT16:
      return (i) => view.getInt16(i * 2, true);
    case DataType.UINT16:
      return (i) => view.getUint16(i * 2, true);
    case DataType.INT32:
      return (i) => view.getInt32(i * 4, true);
    case DataType.UINT32:
      return (i) => view.getUint32(i * 4, true);
    case DataType.INT64:
      return (i) => Number(view.getBigInt64(i * 8, true));
    case DataType.UINT64:
      return (i) => Number(view.getBigUint64(i * 8, true));
    case DataType.UINT4:
      return (i) => packed(i, 4);
    case DataType.INT4:
      return (i) => (packed(i, 4) << 28) >> 28;
    case DataType.UINT2:
      return (i) => packed(i, 2);
    case DataType.INT2:
      return (i) => (packed(i, 2) << 30) >> 30;
    case DataType.FLOAT4E2M1:
      return (i) => (packed(i, 4) & 8 ? -1 : 1) * e2m1[packed(i, 4) & 7]!;
    case DataType.FLOAT8E8M0:
      return (i) => (bytes[i] === 255 ? Number.NaN : 2 ** (bytes[i]! - 127));
    default: {
      const format = float8[tensor.dataType ?? 0];
      if (format) return (i) => f8ToF32(bytes[i]!, format);
      throw notNumeric(tensor);
    }
  }
}

function notNumeric(tensor: TensorProto): UserError {
  return new UserError(
    `Expected tensor \`${tensor.name ?? ''}\` to hold numbers, found ${dataTypeName(tensor.dataType)}.`,
    'tensor-not-numeric',
  );
}
