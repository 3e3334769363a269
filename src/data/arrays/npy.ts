import { UserError } from '../../errors.js';
import type { ArrayData, ArrayType, NdArray } from '../../onnx/array.js';
import { elements, zeros } from './convert.js';

/** NumPy's type codes: element type and bytes. */
const types: Record<string, [ArrayType, number]> = {
  f2: ['float16', 2],
  f4: ['float32', 4],
  f8: ['float64', 8],
  i1: ['int8', 1],
  i2: ['int16', 2],
  i4: ['int32', 4],
  i8: ['int64', 8],
  u1: ['uint8', 1],
  u2: ['uint16', 2],
  u4: ['uint32', 4],
  u8: ['uint64', 8],
  b1: ['bool', 1],
};

/**
 * Reads a .npy file (format versions 1 to 3). Column-major arrays are turned into row-major ones, big-endian
 * numbers are swapped.
 *
 * @param where Name of the file in errors.
 * @throws UserError when it is no .npy, cut short, or of a type that is no number.
 */
export function parseNpy(bytes: Uint8Array, where: string): NdArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10 || String.fromCharCode(...bytes.subarray(0, 6)) !== '\x93NUMPY') {
    throw new UserError(`${where} is not a .npy array: it does not start with "\\x93NUMPY".`, 'data-not-npy');
  }
  const long = bytes[6]! >= 2;
  const headerStart = long ? 12 : 10;
  const headerLength =
    bytes.length < headerStart ? 0 : long ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = headerStart + headerLength;
  if (bytes.length < start || headerLength === 0) throw cutShort(where, start, bytes.length);
  const { descr, fortran, dims } = parseHeader(
    new TextDecoder().decode(bytes.subarray(headerStart, start)),
    where,
  );
  const [type, width] = types[descr.slice(1)] ?? [];
  if (type === undefined || width === undefined) {
    throw new UserError(
      `${where} has the element type '${descr}': expected numbers or booleans.`,
      'data-bad-type',
    );
  }
  const end = start + elements(dims) * width;
  if (bytes.length < end) throw cutShort(where, end, bytes.length);
  const content = new Uint8Array(bytes.subarray(start, end));
  if (descr[0] === '>') swapBytes(content, width);
  const OfType = zeros(type, [0]).data.constructor as new (buffer: ArrayBuffer) => ArrayData;
  const data = new OfType(content.buffer);
  return fortran && dims.length > 1 ? rowMajor({ type, dims, data }) : { type, dims, data };
}

/** The header is a Python dict literal: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. */
function parseHeader(header: string, where: string): { descr: string; fortran: boolean; dims: number[] } {
  const descr = /'descr':\s*'([<>|=][a-zA-Z]\w*)'/.exec(header)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (descr === undefined || fortran === undefined || shape === undefined) {
    throw new UserError(`${where} has a header this tool cannot use: ${header.trim()}`, 'data-bad-type');
  }
  const dims = shape
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number);
  return { descr, fortran: fortran === 'True', dims };
}

function cutShort(where: string, expected: number, found: number): UserError {
  return new UserError(
    `${where} is cut short: expected ${expected.toLocaleString('en')} bytes, found ${found.toLocaleString('en')}.`,
    'data-truncated',
  );
}

function swapBytes(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}

/** Returns a column-major array in row-major order. */
function rowMajor(array: NdArray): NdArray {
  const { dims } = array;
  const result = zeros(array.type, dims);
  const from = array.data as Float32Array;
  const to = result.data as Float32Array;
  const index = new Array<number>(dims.length).fill(0);
  for (let at = 0; at < to.length; at++) {
    let offset = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) offset = offset * dims[axis]! + index[axis]!;
    to[at] = from[offset]!;
    for (let axis = dims.length - 1; axis >= 0 && ++index[axis]! === dims[axis]; axis--) index[axis] = 0;
  }
  return result;
}
