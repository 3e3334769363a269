import { DataType, dataTypeName } from '../../onnx/data-types.js';

/** Gives the zero point of an element of quantized codes, by flat index; 0 for plain numbers. */
export type ZeroPointAt = (element: number) => number;

/** Bytes of an element, for types whose highest bit is the sign. */
const signBytes: Record<number, number> = {
  [DataType.FLOAT]: 4,
  [DataType.DOUBLE]: 8,
  [DataType.FLOAT16]: 2,
  [DataType.BFLOAT16]: 2,
  [DataType.FLOAT8E4M3FN]: 1,
  [DataType.FLOAT8E5M2]: 1,
};

/** Types of whole numbers: bytes of an element, and its limits. */
const wholeNumbers: Record<number, { bytes: number; least: number; most: number }> = {
  [DataType.INT8]: { bytes: 1, least: -128, most: 127 },
  [DataType.UINT8]: { bytes: 1, least: 0, most: 255 },
  [DataType.INT16]: { bytes: 2, least: -32_768, most: 32_767 },
  [DataType.UINT16]: { bytes: 2, least: 0, most: 65_535 },
  [DataType.INT32]: { bytes: 4, least: -(2 ** 31), most: 2 ** 31 - 1 },
};

/**
 * Returns the raw bytes of the negated numbers: floats with the other sign bit, quantized codes as 2 · zero
 * point − code.
 *
 * @returns The reason where some number has no negative in its type (−128 as int8).
 */
export function negated(
  bytes: Uint8Array,
  dataType: number | undefined,
  zeroPoint: ZeroPointAt,
): { bytes: Uint8Array } | { reason: string } {
  const width = signBytes[dataType ?? 0];
  const result = Uint8Array.from(bytes);
  if (width !== undefined) {
    for (let i = width - 1; i < result.length; i += width) result[i]! ^= 0x80;
    return { bytes: result };
  }
  const type = wholeNumbers[dataType ?? 0];
  if (!type)
    return { reason: `is of type ${dataTypeName(dataType)}, whose numbers are not negated one by one` };
  const view = new DataView(result.buffer);
  const [get, set] = accessors(view, type.bytes, type.least < 0);
  for (let i = 0; i * type.bytes < result.length; i++) {
    const code = get(i);
    const zero = zeroPoint(i);
    const mirrored = 2 * zero - code;
    if (mirrored < type.least || mirrored > type.most) {
      const mirror = zero === 0 ? `−(${code})` : `its mirror ${mirrored} about the zero point ${zero}`;
      return { reason: `holds ${code}, and ${dataTypeName(dataType)} cannot hold ${mirror}` };
    }
    set(i, mirrored);
  }
  return { bytes: result };
}

function accessors(
  view: DataView,
  bytes: number,
  negative: boolean,
): [get: (i: number) => number, set: (i: number, value: number) => void] {
  if (bytes === 1)
    return [(i) => (negative ? view.getInt8(i) : view.getUint8(i)), (i, v) => view.setInt8(i, v)];
  if (bytes === 2) {
    return [
      (i) => (negative ? view.getInt16(2 * i, true) : view.getUint16(2 * i, true)),
      (i, v) => view.setInt16(2 * i, v, true),
    ];
  }
  return [(i) => view.getInt32(4 * i, true), (i, v) => view.setInt32(4 * i, v, true)];
}
