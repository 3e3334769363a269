import { UserError } from '../errors.js';
import { byteLength } from './data-types.js';
import type { TensorProto } from './types.js';

/** Bytes of a file that are replaced by as many others. */
export interface BytePatch {
  /** Absolute path. */
  file: string;
  offsetBytes: number;
  before: Uint8Array;
  after: Uint8Array;
}

/** Bits of one element; `undefined` for strings and unknown types. */
export function elementBits(dataType: number | undefined): number | undefined {
  return byteLength(dataType, 8);
}

/**
 * Sets elements of a tensor's raw bytes (little-endian; sub-byte elements: the first in the lowest bits) to codes.
 *
 * @param bytes All bytes of the tensor; changed.
 * @param code The element's new bits as a whole number, negative ones in two's complement; for floating-point types
 *   only 0.
 */
export function setElement(bytes: Uint8Array, bits: number, element: number, code: number): void {
  if (bits >= 8) {
    const width = bits / 8;
    let rest = code;
    for (let i = 0; i < width; i++) {
      bytes[element * width + i] = rest & 0xff;
      rest = Math.floor(rest / 256);
    }
    return;
  }
  const at = (element * bits) >> 3;
  const shift = (element * bits) & 7;
  const mask = ((1 << bits) - 1) << shift;
  bytes[at] = (bytes[at]! & ~mask) | ((code << shift) & mask);
}

/** Bytes `[start, end)` of a tensor that hold an element. */
export function elementRange(bits: number, element: number): { start: number; end: number } {
  const start = Math.floor((element * bits) / 8);
  return { start, end: Math.max(start + 1, Math.ceil(((element + 1) * bits) / 8)) };
}

/** Names the bytes of a tensor: tensors that share them have the same key; `null` when they are not in a file as such. */
export function bytesKey({ span }: TensorProto): string | null {
  return span ? `${span.startBytes}-${span.endBytes}:${span.file}` : null;
}

/**
 * One patch for every byte that changes, in the order of files and offsets: neighbouring bytes are joined, and where
 * several patches follow each other on one byte the first `before` and the last `after` count.
 */
export function mergePatches(patches: Iterable<BytePatch>): BytePatch[] {
  const files = new Map<string, Map<number, [before: number, after: number]>>();
  for (const { file, offsetBytes, before, after } of patches) {
    if (before.length !== after.length)
      throw new Error(`a patch of ${before.length} bytes by ${after.length}`);
    const bytes = files.get(file) ?? new Map<number, [number, number]>();
    files.set(file, bytes);
    for (let i = 0; i < before.length; i++) {
      const known = bytes.get(offsetBytes + i);
      if (known) known[1] = after[i]!;
      else bytes.set(offsetBytes + i, [before[i]!, after[i]!]);
    }
  }
  return [...files].flatMap(([file, bytes]) => runs(file, bytes));
}

function runs(file: string, bytes: Map<number, [number, number]>): BytePatch[] {
  const offsets = Float64Array.from(bytes.keys()).sort();
  const result: BytePatch[] = [];
  for (let from = 0; from < offsets.length; ) {
    let to = from + 1;
    while (to < offsets.length && offsets[to] === offsets[to - 1]! + 1) to++;
    const part = offsets.subarray(from, to);
    const of = (which: 0 | 1) => Uint8Array.from(part, (offset) => bytes.get(offset)![which]);
    result.push({ file, offsetBytes: offsets[from]!, before: of(0), after: of(1) });
    from = to;
  }
  return result;
}

/** Whether the bytes of a patched tensor fit into an overlay held in memory. @throws UserError when they don't. */
export function checkOverlaySize(totalBytes: number): void {
  if (totalBytes <= 1.9e9) return;
  throw new UserError(
    `The weights to change are in tensors of ${totalBytes.toLocaleString('en-US')} bytes together, more than an overlay in memory holds (1.9 GB): change fewer layers at a time with --layers.`,
    'overlay-too-large',
  );
}
