import type { Source } from './source.js';

/**
 * The protobuf wire format (https://protobuf.dev/programming-guides/encoding): tags, varints, lengths. This
 * layer knows no message; it moves a cursor and never past the end it is given.
 */

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

/** A place in a source. */
export interface Cursor {
  readonly source: Source;
  at: number;
}

/** The bytes break the wire format. `at` is where; `pastEnd` says that the data ends too early. */
export class WireError extends Error {
  override readonly name = 'WireError';
  /** The innermost message and field that was being read. */
  inner?: string;
  /** The field of the outermost message, e.g. `7 (graph)`; `null` between two fields. */
  outer?: string | null;
  /** Depth at which the message is nested. */
  depth?: number;

  constructor(
    message: string,
    readonly at: number,
    readonly pastEnd = false,
  ) {
    super(message);
  }
}

export interface Tag {
  number: number;
  wireType: number;
}

/**
 * Field number and wire type.
 *
 * @throws WireError for field number 0, groups, and wire types that do not exist.
 */
export function readTag(cursor: Cursor, end: number): Tag {
  const start = cursor.at;
  const tag = readVarint(cursor, end);
  const wireType = tag % 8;
  const number = (tag - wireType) / 8;
  if (number < 1 || number > 0x1fffffff) throw new WireError(`field number ${number}`, start);
  if (wireType === 3 || wireType === 4) throw new WireError(`a group (field ${number})`, start);
  if (wireType > 5) throw new WireError(`wire type ${wireType} (field ${number})`, start);
  return { number, wireType };
}

// A varint as three numbers (28 + 28 + 8 bits), because 64 bits do not fit one.
let low = 0;
let middle = 0;
let high = 0;

function scanVarint(cursor: Cursor, end: number): void {
  const start = cursor.at;
  low = middle = high = 0;
  for (let i = 0; i < 10; i++) {
    if (cursor.at >= end) throw new WireError('a varint runs past the end', start, true);
    const byte = nextByte(cursor);
    const bits = byte & 0x7f;
    if (i < 4) low |= bits << (7 * i);
    else if (i < 8) middle |= bits << (7 * (i - 4));
    else high |= bits << (7 * (i - 8));
    if (byte < 0x80) return;
  }
  throw new WireError('a varint of more than 10 bytes', start);
}

/** Returns how many varints lie between the cursor and `end`, and leaves the cursor where it is. */
export function countVarints(cursor: Cursor, end: number): number {
  const start = cursor.at;
  let count = 0;
  while (cursor.at < end) if (nextByte(cursor) < 0x80) count++;
  cursor.at = start;
  return count;
}

/** An unsigned varint as a number: exact below 2^53, and too large for any file above. */
export function readVarint(cursor: Cursor, end: number): number {
  scanVarint(cursor, end);
  return low + middle * 2 ** 28 + (high & 0xff) * 2 ** 56;
}

/** The lower 32 bits of a varint, signed. */
export function readInt32(cursor: Cursor, end: number): number {
  scanVarint(cursor, end);
  return low | (middle << 28);
}

/** Dimensions and attributes are mostly small; each is a value of its own in memory otherwise. */
const small = Array.from({ length: 256 }, (_, i) => BigInt(i));

/** A varint as an unsigned 64-bit integer. */
export function readUint64(cursor: Cursor, end: number): bigint {
  scanVarint(cursor, end);
  if (middle === 0 && high === 0) return small[low] ?? BigInt(low);
  return BigInt(low) | (BigInt(middle) << 28n) | (BigInt(high & 0xff) << 56n);
}

/** A varint as a signed (two's complement) 64-bit integer. */
export function readInt64(cursor: Cursor, end: number): bigint {
  return BigInt.asIntN(64, readUint64(cursor, end));
}

const scratch = new DataView(new ArrayBuffer(8));

function fill(cursor: Cursor, end: number, count: number): void {
  if (cursor.at + count > end) {
    throw new WireError(`a ${count}-byte number runs past the end`, cursor.at, true);
  }
  for (let i = 0; i < count; i++) scratch.setUint8(i, nextByte(cursor));
}

export function readFloat(cursor: Cursor, end: number): number {
  fill(cursor, end, 4);
  return scratch.getFloat32(0, true);
}

export function readDouble(cursor: Cursor, end: number): number {
  fill(cursor, end, 8);
  return scratch.getFloat64(0, true);
}

/** The end of the length-delimited payload that starts here. @throws WireError when it lies past `end`. */
export function readLength(cursor: Cursor, end: number): number {
  const start = cursor.at;
  const length = readVarint(cursor, end);
  if (length > end - cursor.at) {
    throw new WireError(`a length of ${length} bytes where ${end - cursor.at} are left`, start, true);
  }
  return cursor.at + length;
}

/** Moves past the value of a field. */
export function skipValue(cursor: Cursor, end: number, wireType: number): void {
  if (wireType === VARINT) scanVarint(cursor, end);
  else if (wireType === LENGTH_DELIMITED) cursor.at = readLength(cursor, end);
  else {
    const width = wireType === FIXED64 ? 8 : 4;
    if (cursor.at + width > end) {
      throw new WireError(`a ${width}-byte number runs past the end`, cursor.at, true);
    }
    cursor.at += width;
  }
}

function nextByte(cursor: Cursor): number {
  const { source } = cursor;
  let offset = cursor.at - source.windowStart;
  if (offset < 0 || offset >= source.window.length) {
    source.load(cursor.at);
    offset = cursor.at - source.windowStart;
  }
  cursor.at++;
  return source.window[offset]!;
}
