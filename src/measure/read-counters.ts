import type { Batch } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import type { TensorProbe } from '../probe/probe.js';
import { countedRows } from '../probe/row-mask.js';
import type { Counters } from '../stats/types.js';
import { HISTOGRAM_BINS, type HistogramRange } from '../stats/value-histogram.js';

/**
 * Reads the counters of one batch at one site from the outputs of its probe: `counters` [rows, neurons] and,
 * if `range` is given, the counts of its bins.
 */
export function readCounters(
  probe: TensorProbe,
  results: Record<string, NdArray>,
  batch: Batch,
  range: HistogramRange | null,
): Counters {
  const table = results[probe.counters]!;
  const neurons = table.dims[1]!;
  const row = (name: (typeof probe.counterNames)[number]): Float32Array => {
    const index = probe.counterNames.indexOf(name);
    const data = table.data as Float32Array;
    return index < 0 ? new Float32Array(neurons) : data.slice(index * neurons, (index + 1) * neurons);
  };
  const wide = (name: (typeof probe.counterNames)[number]): Float64Array => Float64Array.from(row(name));
  const counters: Counters = {
    positions: batch.positions,
    fired: wide('fired'),
    positive: wide('positive'),
    saturated: wide('saturated'),
    nonFinite: wide('nonFinite'),
    sum: wide('sum'),
    sumAbs: wide('sumAbs'),
    sumSquares: wide('sumSquares'),
    min: row('min'),
    max: row('max'),
    histogram: null,
  };
  if (range) addHistogram(counters, results[probe.bins]!, batch, range);
  return counters;
}

/**
 * Adds the histogram. Values that were masked or not finite are in the bin of zero, and are taken out of it.
 */
function addHistogram(counters: Counters, bins: NdArray, batch: Batch, range: HistogramRange): void {
  const neurons = counters.fired.length;
  const counts = Float64Array.from(bins.data as Float64Array);
  if (counts.length !== HISTOGRAM_BINS)
    throw new Error(`expected ${HISTOGRAM_BINS} counts, found ${counts.length}`);
  const rows = counts.reduce((sum, n) => sum + n, 0) / neurons;
  // A pooled tensor or one of a convolution has as many positions as it has rows, not as many as the batch.
  counters.positions = batch.mask ? countedRows(batch.mask.data as Uint8Array, rows) : rows;
  const nonFinite = counters.nonFinite.reduce((sum, n) => sum + n, 0);
  counts[range.zeroPoint]! -= (rows - counters.positions) * neurons + nonFinite;
  counters.histogram = { ...range, counts };
}
