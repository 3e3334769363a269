/**
 * The writing half of the wire format. It writes backwards, the last field first: so the length of a nested
 * message is known when its prefix is due, nothing is moved, and a large payload is copied once, at the end.
 */
export interface Writer {
  /** Finished bytes, last ones first. */
  chunks: Piece[];
  /** Bytes in front of the chunks: `[at, end)` of this buffer. */
  buffer: Buffer;
  at: number;
  /** Bytes written so far. */
  totalBytes: number;
}

/** Bytes that are made only when they are written: parts of a file, or a tensor cut out of another. */
export interface Deferred {
  lengthBytes: number;
  /** `lengthBytes` bytes in all; a chunk is overwritten by the next one. */
  chunks(): Iterable<Uint8Array>;
}

export type Piece = Uint8Array | Deferred;

const BUFFER_BYTES = 64 * 1024;

/** From here on bytes are kept by reference until the end. */
const CHUNK_BYTES = 4096;

export function newWriter(): Writer {
  return { chunks: [], buffer: Buffer.allocUnsafe(BUFFER_BYTES), at: BUFFER_BYTES, totalBytes: 0 };
}

export function prependTag(writer: Writer, number: number, wireType: number): void {
  prependVarint(writer, number * 8 + wireType);
}

/** A non-negative integer below 2^53. */
export function prependVarint(writer: Writer, value: number): void {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  let at = reserve(writer, bytes);
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) writer.buffer[at++] = (rest % 0x80) + 0x80;
  writer.buffer[at] = rest;
}

/** A signed or unsigned 64-bit integer; negative ones take ten bytes (two's complement). */
export function prependVarint64(writer: Writer, value: bigint): void {
  if (value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) {
    prependVarint(writer, Number(value));
    return;
  }
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) + 0x80);
  bytes.push(Number(rest));
  prependBytes(writer, Uint8Array.from(bytes));
}

/** A 32-bit integer; negative ones are sign-extended to 64 bits, as the specification asks. */
export function prependInt32(writer: Writer, value: number): void {
  if (value >= 0) prependVarint(writer, value);
  else prependVarint64(writer, BigInt(value));
}

export function prependFloat(writer: Writer, value: number): void {
  const at = reserve(writer, 4);
  writer.buffer.writeFloatLE(value, at);
}

export function prependDouble(writer: Writer, value: number): void {
  const at = reserve(writer, 8);
  writer.buffer.writeDoubleLE(value, at);
}

/** A string in UTF-8 with its length in front. */
export function prependString(writer: Writer, value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes >= CHUNK_BYTES) prependBytes(writer, Buffer.from(value));
  else {
    const at = reserve(writer, bytes);
    writer.buffer.write(value, at);
  }
  prependVarint(writer, bytes);
}

export function prependLengthDelimited(writer: Writer, bytes: Piece): void {
  if (bytes instanceof Uint8Array) prependBytes(writer, bytes);
  else {
    flush(writer);
    writer.chunks.push(bytes);
    writer.totalBytes += bytes.lengthBytes;
  }
  prependVarint(writer, bytes instanceof Uint8Array ? bytes.length : bytes.lengthBytes);
}

/** Raw bytes; large ones must not change before `finish`. */
export function prependBytes(writer: Writer, bytes: Uint8Array): void {
  if (bytes.length < CHUNK_BYTES) {
    const at = reserve(writer, bytes.length);
    writer.buffer.set(bytes, at);
    return;
  }
  flush(writer);
  writer.chunks.push(bytes);
  writer.totalBytes += bytes.length;
}

/** All bytes in one array. */
export function finish(writer: Writer): Uint8Array {
  flush(writer);
  const all = new Uint8Array(writer.totalBytes);
  let at = 0;
  for (const piece of writer.chunks.reverse()) {
    for (const chunk of piece instanceof Uint8Array ? [piece] : piece.chunks()) {
      all.set(chunk, at);
      at += chunk.length;
    }
  }
  return all;
}

/** All bytes in order, the deferred ones still to be made. */
export function finishPieces(writer: Writer): Piece[] {
  flush(writer);
  return writer.chunks.reverse();
}

/** Makes room in front; returns where it starts. At most `CHUNK_BYTES` bytes. */
function reserve(writer: Writer, bytes: number): number {
  if (writer.at < bytes) {
    flush(writer);
    writer.buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    writer.at = BUFFER_BYTES;
  }
  writer.at -= bytes;
  writer.totalBytes += bytes;
  return writer.at;
}

/** Moves what the buffer holds to the chunks; the room before it stays in use. */
function flush(writer: Writer): void {
  if (writer.at === writer.buffer.length) return;
  writer.chunks.push(writer.buffer.subarray(writer.at));
  writer.buffer = writer.buffer.subarray(0, writer.at);
}
