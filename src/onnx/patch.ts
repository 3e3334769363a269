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
 * The same changes by files and increasing offsets, each byte once: neighbouring bytes are joined, and where several
 * patches follow each other on one byte the first `before` and the last `after` count. O(n log n).
 */
export function mergePatches(patches: Iterable<BytePatch>): BytePatch[] {
  const files = new Map<string, BytePatch[]>();
  for (const patch of patches) {
    if (patch.before.length !== patch.after.length) {
      throw new Error(`a patch of ${patch.before.length} bytes by ${patch.after.length}`);
    }
    const known = files.get(patch.file);
    if (known) known.push(patch);
    else files.set(patch.file, [patch]);
  }
  return [...files.values()].flatMap((list) => [...runs(list)]);
}

/** Patches of one file in runs of touching bytes. */
function* runs(patches: readonly BytePatch[]): Generator<BytePatch> {
  const order = [...patches.keys()].sort(
    (a, b) => patches[a]!.offsetBytes - patches[b]!.offsetBytes || a - b,
  );
  for (let from = 0; from < order.length; ) {
    let end = endOf(patches[order[from]!]!);
    let to = from + 1;
    for (; to < order.length && patches[order[to]!]!.offsetBytes <= end; to++) {
      end = Math.max(end, endOf(patches[order[to]!]!));
    }
    // In the order they were made: later ones overwrite.
    const members = order.slice(from, to).sort((a, b) => a - b);
    yield joined(
      members.map((i) => patches[i]!),
      patches[order[from]!]!.offsetBytes,
      end,
    );
    from = to;
  }
}

function joined(members: readonly BytePatch[], start: number, end: number): BytePatch {
  if (members.length === 1) return members[0]!;
  const before = new Uint8Array(end - start);
  const after = new Uint8Array(end - start);
  const seen = new Uint8Array(end - start);
  for (const patch of members) {
    const at = patch.offsetBytes - start;
    for (let i = 0; i < patch.before.length; i++) {
      if (!seen[at + i]) before[at + i] = patch.before[i]!;
      seen[at + i] = 1;
      after[at + i] = patch.after[i]!;
    }
  }
  return { file: members[0]!.file, offsetBytes: start, before, after };
}

const endOf = ({ offsetBytes, after }: BytePatch): number => offsetBytes + after.length;

/** Whether the bytes of a patched tensor fit into an overlay held in memory. @throws UserError when they don't. */
export function checkOverlaySize(totalBytes: number): void {
  if (totalBytes <= 1.9e9) return;
  throw new UserError(
    `The weights to change are in tensors of ${totalBytes.toLocaleString('en-US')} bytes together, more than an overlay in memory holds (1.9 GB): change fewer layers at a time with --layers.`,
    'overlay-too-large',
  );
}
