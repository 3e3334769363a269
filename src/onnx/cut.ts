import { byteLength } from './data-types.js';
import { tensorByteRange } from './tensor-bytes.js';
import { tensorByteLength } from './tensor-size.js';
import type { TensorProto } from './types.js';
import type { Deferred } from './writer.js';

/** Bytes read and handed on at a time. */
const WINDOW_BYTES = 1 << 20;

/** Indices to leave out along axes of a tensor: axis (counted from 0) → indices, increasing. */
export type Removed = ReadonlyMap<number, readonly number[]>;

/** Returns true if elements take whole bytes, so that each can be left out. */
export function canCut({ dataType }: TensorProto): boolean {
  const bits = byteLength(dataType, 8);
  return bits !== undefined && bits % 8 === 0;
}

/** Returns the dimensions of a tensor without the removed indices. */
export function cutDims(tensor: TensorProto, removed: Removed): number[] {
  return tensor.dims.map((dim, axis) => Number(dim) - (removed.get(axis)?.length ?? 0));
}

/**
 * Returns the raw bytes of a tensor without the removed indices, read and made in windows of 1 MiB: a tensor
 * of any size costs no more memory than that.
 */
export function cutTensor(tensor: TensorProto, removed: Removed): Deferred {
  if (!canCut(tensor)) throw new Error(`elements of tensor ${tensor.name} are smaller than a byte`);
  const width = byteLength(tensor.dataType, 1)!;
  const count = cutDims(tensor, removed).reduce((product, dim) => product * dim, 1);
  return { lengthBytes: count * width, chunks: () => chunks(tensor, keptRanges(tensor, removed, width)) };
}

/** Returns the bytes of a tensor as they are. */
export function wholeTensor(tensor: TensorProto): Deferred {
  const lengthBytes = tensorByteLength(tensor) ?? 0;
  return { lengthBytes, chunks: () => chunks(tensor, [[0, lengthBytes]]) };
}

type Range = [startBytes: number, endBytes: number];

/** Byte ranges `[start, end)` that stay, in order. */
function* keptRanges(tensor: TensorProto, removed: Removed, width: number): Generator<Range> {
  const dims = tensor.dims.map(Number);
  const last = Math.max(-1, ...[...removed].flatMap(([axis, list]) => (list.length > 0 ? [axis] : [])));
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, dim) => product * dim, width));
  const runs = dims.map((dim, axis) => keptRuns(dim, removed.get(axis) ?? []));
  function* walk(axis: number, base: number): Generator<Range> {
    const stride = strides[axis]!;
    for (const [start, end] of runs[axis]!) {
      if (axis === last) yield [base + start * stride, base + end * stride];
      else for (let i = start; i < end; i++) yield* walk(axis + 1, base + i * stride);
    }
  }
  if (last < 0) yield [0, dims.reduce((product, dim) => product * dim, width)];
  else yield* walk(0, 0);
}

/** Returns the runs that are left of `[0, size)`. */
function keptRuns(size: number, removed: readonly number[]): [start: number, end: number][] {
  const runs: [number, number][] = [];
  let start = 0;
  for (const index of removed) {
    if (index > start) runs.push([start, index]);
    start = index + 1;
  }
  if (start < size) runs.push([start, size]);
  return runs;
}

function* chunks(tensor: TensorProto, ranges: Iterable<Range>): Generator<Uint8Array> {
  const total = tensorByteLength(tensor) ?? 0;
  const out = new Uint8Array(Math.min(WINDOW_BYTES, total));
  let filled = 0;
  let window = new Uint8Array(0);
  let windowStart = 0;
  for (const [start, end] of ranges) {
    for (let at = start; at < end; ) {
      if (at < windowStart || at >= windowStart + window.length) {
        window = Uint8Array.from(tensorByteRange(tensor, at, Math.min(total, at + WINDOW_BYTES)));
        windowStart = at;
      }
      const take = Math.min(end - at, windowStart + window.length - at, out.length - filled);
      out.set(window.subarray(at - windowStart, at - windowStart + take), filled);
      filled += take;
      at += take;
      if (filled < out.length) continue;
      yield out;
      filled = 0;
    }
  }
  if (filled > 0) yield out.subarray(0, filled);
}
