import { DataType, dataTypeName } from './data-types.js';
import { f32ToBf16, f32ToF16 } from './floats.js';
import type { TensorProto } from './types.js';

/** Returns a tensor message of raw bytes (little-endian, row-major). */
export function rawTensor(name: string, dataType: number, dims: number[], rawData: Uint8Array): TensorProto {
  return {
    name,
    dataType,
    dims: dims.map(BigInt),
    rawData,
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    stringData: [],
    externalData: [],
    metadataProps: [],
    unknown: [],
  };
}

/** Returns a tensor message whose raw bytes are made when they are first read. */
export function lazyTensor(
  name: string,
  dataType: number,
  dims: number[],
  make: () => Uint8Array,
): TensorProto {
  let bytes: Uint8Array | null = null;
  const tensor = rawTensor(name, dataType, dims, new Uint8Array(0));
  return Object.defineProperty(tensor, 'rawData', {
    get: () => (bytes ??= make()),
    enumerable: true,
    configurable: true,
  });
}

/**
 * Returns a tensor message of numbers, rounded to the element type (floats to the nearest, ties to even).
 *
 * @throws Error for types that are no plain numbers, or when `dims` and the numbers do not fit.
 */
export function makeTensor(
  name: string,
  dataType: number,
  dims: number[],
  numbers: ArrayLike<number | bigint>,
): TensorProto {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count !== numbers.length) throw new Error(`${name}: dims [${dims}] for ${numbers.length} numbers`);
  return rawTensor(name, dataType, dims, numberBytes(dataType, numbers));
}

/** Returns numbers as the raw bytes of a tensor. @throws Error for types that are no plain numbers. */
export function numberBytes(dataType: number, numbers: ArrayLike<number | bigint>): Uint8Array {
  const array = arrayOf(dataType, numbers);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function arrayOf(dataType: number, from: ArrayLike<number | bigint>): ArrayBufferView {
  const numbers = Array.from(from, (value) => value);
  const plain = () => numbers.map(Number);
  switch (dataType) {
    case DataType.FLOAT:
      return Float32Array.from(plain());
    case DataType.DOUBLE:
      return Float64Array.from(plain());
    case DataType.FLOAT16:
      return Uint16Array.from(plain(), f32ToF16);
    case DataType.BFLOAT16:
      return Uint16Array.from(plain(), f32ToBf16);
    case DataType.INT8:
      return Int8Array.from(plain());
    case DataType.UINT8:
    case DataType.BOOL:
      return Uint8Array.from(plain());
    case DataType.INT16:
      return Int16Array.from(plain());
    case DataType.UINT16:
      return Uint16Array.from(plain());
    case DataType.INT32:
      return Int32Array.from(plain());
    case DataType.UINT32:
      return Uint32Array.from(plain());
    case DataType.INT64:
      return BigInt64Array.from(numbers.map(BigInt));
    case DataType.UINT64:
      return BigUint64Array.from(numbers.map(BigInt));
    default:
      throw new Error(`${dataTypeName(dataType)} tensors are not made from numbers`);
  }
}
