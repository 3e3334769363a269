/** Element types that cross the border to ONNX Runtime; float16 and bfloat16 travel as their 16 bits. */
export type ArrayType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool';

export type ArrayData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A dense array in row-major order: what is fed to a session and what comes out of it. */
export interface NdArray {
  type: ArrayType;
  dims: number[];
  data: ArrayData;
}
