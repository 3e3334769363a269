import type { Counters, ValueHistogram } from './types.js';

/** Number of bins of a value histogram: uint8 has as many values. */
export const HISTOGRAM_BINS = 256;

/** Position of the bins of a value histogram: bin k is centred at (k − zeroPoint) · scale. */
export type HistogramRange = Pick<ValueHistogram, 'scale' | 'zeroPoint'>;

/** Scale of a site of whose values nothing is known: the bins reach from about −1 to 1. */
const UNKNOWN_RANGE: HistogramRange = { scale: Math.fround(2 / 255), zeroPoint: 128 };

/** Smallest normal float32; ONNX Runtime may flush a smaller scale to zero. */
const SMALLEST_SCALE = 2 ** -126;

/**
 * Returns bins for QuantizeLinear (uint8) that cover [min, max] and have 0 in the middle of a bin. The scale
 * is a float32, as the operator's input is. Limits need not be finite: without data, or if all values are 0,
 * the bins reach from about −1 to 1.
 */
export function histogramRange(min: number, max: number): HistogramRange {
  const low = Number.isFinite(min) ? Math.min(0, min) : 0;
  const high = Number.isFinite(max) ? Math.max(0, max) : 0;
  if (low === high) return { ...UNKNOWN_RANGE };
  const last = HISTOGRAM_BINS - 1;
  const scale = Math.fround(Math.max((high - low) / last, SMALLEST_SCALE));
  const zeroPoint = Math.min(last, Math.max(0, Math.round(-low / scale)));
  return { scale, zeroPoint: zeroPoint + 0 };
}

/** Bins of values; the first and the last edge are `null`, since those bins are open. */
export interface OpenHistogram {
  edges: (number | null)[];
  counts: number[];
}

/**
 * Returns the histogram with its edges: bin k lies in (k − zeroPoint ∓ ½) · scale, and the two end bins are
 * open.
 */
export function openHistogram({ scale, zeroPoint, counts }: ValueHistogram): OpenHistogram {
  const edges = Array.from({ length: counts.length + 1 }, (_, k) =>
    k === 0 || k === counts.length ? null : (k - zeroPoint - 0.5) * scale,
  );
  return { edges, counts: Array.from(counts) };
}

/**
 * Returns true if merging keeps the value histogram. It is lost if both sides saw positions and their bins
 * differ, or if only one of them has a histogram. A side that saw no positions never costs the other its
 * histogram.
 */
export function histogramsAgree(a: Counters, b: Counters): boolean {
  if (a.positions === 0 || b.positions === 0) return true;
  if (a.histogram === null || b.histogram === null) return a.histogram === b.histogram;
  return sameBins(a.histogram, b.histogram);
}

/**
 * Returns the histogram of `into` with that of `batch` added in place, or a new one, or `null` if their bins
 * differ.
 */
export function mergeHistograms(into: Counters, batch: Counters): ValueHistogram | null {
  const [a, b] = [into.histogram, batch.histogram];
  if (into.positions === 0 && batch.positions === 0) return finer(a, copyHistogram(b));
  if (batch.positions === 0) return a;
  if (into.positions === 0) return copyHistogram(b);
  if (!a || !b || !sameBins(a, b)) return null;
  for (let k = 0; k < a.counts.length; k++) a.counts[k]! += b.counts[k]!;
  return a;
}

/** Returns a deep copy. */
export function copyHistogram(histogram: ValueHistogram | null): ValueHistogram | null {
  return histogram && { ...histogram, counts: histogram.counts.slice() };
}

/** Returns one of two histograms without counts. Either would do; a fixed order keeps merging associative. */
function finer(a: ValueHistogram | null, b: ValueHistogram | null): ValueHistogram | null {
  if (!a || !b) return a ?? b;
  return a.scale < b.scale || (a.scale === b.scale && a.zeroPoint <= b.zeroPoint) ? a : b;
}

function sameBins(a: ValueHistogram, b: ValueHistogram): boolean {
  return a.scale === b.scale && a.zeroPoint === b.zeroPoint && a.counts.length === b.counts.length;
}
