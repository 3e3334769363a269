import { UserError } from '../errors.js';
import { byteLength } from './data-types.js';
import type { TensorProto } from './types.js';

/** Returns the bits that one element takes; `undefined` for strings and unknown types. */
export function elementBits(dataType: number | undefined): number | undefined {
  return byteLength(dataType, 8);
}

/**
 * Sets elements of a tensor's raw bytes (little-endian; sub-byte elements: the first in the lowest bits) to
 * codes.
 *
 * @param bytes All bytes of the tensor; changed.
 * @param code The element's new bits as a whole number, negative ones in two's complement; for floating-point
 *   types only 0.
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

/** Returns the bytes `[start, end)` of a tensor that hold an element. */
export function elementRange(bits: number, element: number): { start: number; end: number } {
  const start = Math.floor((element * bits) / 8);
  return { start, end: Math.max(start + 1, Math.ceil(((element + 1) * bits) / 8)) };
}

/**
 * Returns a key of a tensor's bytes in a file: tensors that share them have the same key. `null` without a
 * file.
 */
export function bytesKey({ span }: Pick<TensorProto, 'span'>): string | null {
  return span ? `${span.startBytes}-${span.endBytes}:${span.file}` : null;
}

/**
 * @throws UserError when the tensors with changed weights are too large for an overlay, which is held in
 *   memory.
 */
export function checkOverlaySize(totalBytes: number): void {
  if (totalBytes <= 1.9e9) return;
  throw new UserError(
    `The weights to change are in tensors of ${totalBytes.toLocaleString('en-US')} bytes together, more than an overlay in memory holds (1.9 GB): change fewer layers at a time with --layers.`,
    'overlay-too-large',
  );
}
