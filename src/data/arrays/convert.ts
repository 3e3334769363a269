import { UserError } from '../../errors.js';
import type { ArrayData, ArrayType, NdArray } from '../../onnx/array.js';
import { dataTypeName } from '../../onnx/data-types.js';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../onnx/floats.js';

const makers: Record<ArrayType, (length: number) => ArrayData> = {
  float32: (length) => new Float32Array(length),
  float64: (length) => new Float64Array(length),
  float16: (length) => new Uint16Array(length),
  bfloat16: (length) => new Uint16Array(length),
  int8: (length) => new Int8Array(length),
  uint8: (length) => new Uint8Array(length),
  int16: (length) => new Int16Array(length),
  uint16: (length) => new Uint16Array(length),
  int32: (length) => new Int32Array(length),
  uint32: (length) => new Uint32Array(length),
  int64: (length) => new BigInt64Array(length),
  uint64: (length) => new BigUint64Array(length),
  bool: (length) => new Uint8Array(length),
};

/** Counts the elements of a shape. */
export function elements(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** Returns an array of zeros. */
export function zeros(type: ArrayType, dims: number[]): NdArray {
  return { type, dims, data: makers[type](elements(dims)) };
}

/** Returns numbers as an array of the given type. */
export function arrayOf(type: ArrayType, dims: number[], values: ArrayLike<number>): NdArray {
  const data = makers[type](values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let index = 0; index < values.length; index++) data[index] = BigInt(Math.trunc(values[index]!));
  } else {
    const convert = type === 'float16' ? f32ToF16 : type === 'bfloat16' ? f32ToBf16 : null;
    if (convert === null) data.set(values);
    else for (let index = 0; index < values.length; index++) data[index] = convert(values[index]!);
  }
  return { type, dims, data };
}

/** Returns the elements as JavaScript numbers. */
export function numbersOf(array: NdArray): ArrayLike<number> {
  const { data, type } = array;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  if (type === 'float16') return Float32Array.from(data as Uint16Array, f16ToF32);
  if (type === 'bfloat16') return Float32Array.from(data as Uint16Array, bf16ToF32);
  return data;
}

/** Returns the same numbers in another type; the array itself if it has that type already. */
export function castTo(type: ArrayType, array: NdArray): NdArray {
  return array.type === type ? array : arrayOf(type, array.dims, numbersOf(array));
}

/** Copies the rows of these indices along the leading axis, in that order. */
export function takeRows(array: NdArray, indices: readonly number[]): NdArray {
  const width = elements(array.dims.slice(1));
  const result = zeros(array.type, [indices.length, ...array.dims.slice(1)]);
  const to = result.data as Float32Array;
  const from = array.data as Float32Array;
  for (const [at, row] of indices.entries())
    to.set(from.subarray(row * width, (row + 1) * width), at * width);
  return result;
}

/**
 * Returns the type that an input takes, by its ONNX element type code.
 *
 * @throws UserError for strings, complex numbers and the sub-byte types.
 */
export function inputType(elemType: number, name: string): ArrayType {
  const type = dataTypeName(elemType);
  if (type in makers) return type as ArrayType;
  throw new UserError(
    `The model's input "${name}" has the element type ${type}, which cannot be fed.`,
    'input-unfilled',
  );
}
