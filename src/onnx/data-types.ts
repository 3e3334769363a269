/** ONNX element types (TensorProto.DataType) and their lower-case names as ONNX Runtime spells them. */
export const DataType = {
  UNDEFINED: 0,
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
  FLOAT8E4M3FNUZ: 18,
  FLOAT8E5M2: 19,
  FLOAT8E5M2FNUZ: 20,
  UINT4: 21,
  INT4: 22,
  FLOAT4E2M1: 23,
  FLOAT8E8M0: 24,
  UINT2: 25,
  INT2: 26,
} as const;

const names: Record<number, string> = Object.fromEntries(
  Object.entries(DataType).map(([name, code]) => [
    code,
    name === 'FLOAT' ? 'float32' : name === 'DOUBLE' ? 'float64' : name.toLowerCase(),
  ]),
);

/** Returns `float32`, `int64`, …; `type 99` for a code the specification does not have. */
export function dataTypeName(code: number | undefined): string {
  return names[code ?? 0] ?? `type ${code}`;
}

/** Returns true if the element type is one of the floating-point types an activation can have. */
export function isFloat(code: number | undefined): boolean {
  return (
    code === DataType.FLOAT ||
    code === DataType.FLOAT16 ||
    code === DataType.DOUBLE ||
    code === DataType.BFLOAT16
  );
}

const bits: Record<number, number> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
  24: 8,
  25: 2,
  26: 2,
};

/** Returns the bytes that `elements` elements take in raw_data; `undefined` for strings and unknown types. */
export function byteLength(code: number | undefined, elements: number): number | undefined {
  const width = bits[code ?? 0];
  return width === undefined ? undefined : Math.ceil((elements * width) / 8);
}
