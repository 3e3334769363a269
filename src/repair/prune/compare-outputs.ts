import type { DataSet } from '../../data/types.js';
import { Interrupted } from '../../errors.js';
import type { Model } from '../../graph/model.js';
import { allNodes } from '../../graph/traversal.js';
import { feedsFor, inputNames, openOverlaySession } from '../../measure/overlay-session.js';
import type { Subject } from '../../measure/subject.js';
import type { NdArray } from '../../onnx/array.js';
import { DataType } from '../../onnx/data-types.js';
import { bf16ToF32, f16ToF32 } from '../../onnx/floats.js';

/**
 * Largest difference of outputs, relative to the largest output, that summing in another order makes: by the
 * narrowest number format in the model. Quantized activations may move by one step.
 */
export const ROUNDING = { float32: 1e-4, float16: 2e-2, bfloat16: 1e-1, quantized: 5e-2 };

export interface OutputDifference {
  /** Positions compared. */
  positions: number;
  largestDifference: number;
  /** Largest magnitude of an output. */
  largestOutput: number;
  /** Largest difference of an output over its largest magnitude; that of the worst output. */
  relative: number;
}

/** Bytes of outputs that are compared; the first batch always is. */
const COMPARED_BYTES = 256 * 1024 * 1024;

/** Runs two models on the same batches, as many as 256 MiB of outputs allow, and compares all outputs. */
export async function compareOutputs(
  before: Subject,
  after: Subject,
  data: DataSet,
): Promise<OutputDifference> {
  const copies = [before.copy(), after.copy()] as const;
  const names = copies[0].model.graph.outputs.map(({ name }) => name);
  const inputs = copies.map(inputNames);
  const found = { positions: 0, largestDifference: 0, largestOutput: 0, relative: 0 };
  const peaks = new Map(names.map((name) => [name, { difference: 0, magnitude: 0 }]));
  let bytes = 0;
  const first = await openOverlaySession(copies[0], before);
  try {
    const second = await openOverlaySession(copies[1], after);
    try {
      for await (const batch of data.batches()) {
        if (before.signal.aborted) throw new Interrupted('Interrupted; nothing was written.');
        const x = await first.run({ feeds: feedsFor(inputs[0]!, batch.feeds), fetch: names });
        const y = await second.run({ feeds: feedsFor(inputs[1]!, batch.feeds), fetch: names });
        for (const [name, peak] of peaks) {
          compare(x[name]!, y[name]!, batch.mask, peak);
          bytes += x[name]!.data.byteLength;
        }
        found.positions += batch.positions;
        if (bytes > COMPARED_BYTES) break;
      }
    } finally {
      await second.dispose();
    }
  } finally {
    await first.dispose();
  }
  for (const { difference, magnitude } of peaks.values()) {
    found.largestDifference = Math.max(found.largestDifference, difference);
    found.largestOutput = Math.max(found.largestOutput, magnitude);
    const relative = difference === 0 ? 0 : difference / Math.max(magnitude, 1e-30);
    found.relative = Math.max(found.relative, relative);
  }
  return found;
}

/** Returns the relative difference that rounding makes in a model: see `ROUNDING`. */
export function toleranceOf({ graph }: Model): number {
  const types = new Set(graph.initializers.map(({ tensor }) => tensor?.dataType));
  const isQuantized = [...allNodes(graph)].some(({ opType }) =>
    /QuantizeLinear$|Integer|^QLinear/.test(opType),
  );
  return Math.max(
    ROUNDING.float32,
    types.has(DataType.FLOAT16) ? ROUNDING.float16 : 0,
    types.has(DataType.BFLOAT16) ? ROUNDING.bfloat16 : 0,
    isQuantized ? ROUNDING.quantized : 0,
  );
}

/** Compares one output. Positions that are masked out are left out: padding has no meaning. */
function compare(
  a: NdArray,
  b: NdArray,
  mask: NdArray | null,
  peak: { difference: number; magnitude: number },
): void {
  if (a.data.length !== b.data.length) throw new Error('outputs of different sizes cannot be compared');
  const counts = mask && positionCounts(a.dims, mask);
  const [x, y] = [reader(a), reader(b)];
  for (let i = 0; i < a.data.length; i++) {
    if (counts && !counts(i)) continue;
    const [p, q] = [x(i), y(i)];
    if (Number.isFinite(p)) peak.magnitude = Math.max(peak.magnitude, Math.abs(p));
    if (p === q || Object.is(p, q)) continue;
    const difference = Math.abs(p - q);
    if (!(difference <= peak.difference)) peak.difference = Number.isNaN(difference) ? Infinity : difference;
  }
}

/**
 * Returns a function that is true for elements of an output at positions that count; `null` when the output
 * [batch, …, sequence, …] does not have the axes of the mask [batch, sequence].
 */
function positionCounts(dims: number[], { dims: axes, data }: NdArray): ((i: number) => boolean) | null {
  const inner = (axis: number) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const [rows, columns] = axes;
  if (dims[0] !== rows) return null;
  if (columns === undefined) return (i) => Boolean(data[Math.floor(i / inner(0))]);
  const axis = dims.indexOf(columns, 1);
  if (axis < 0) return null;
  return (i) => Boolean(data[Math.floor(i / inner(0)) * columns + (Math.floor(i / inner(axis)) % columns)]);
}

function reader({ type, data }: NdArray): (i: number) => number {
  if (type === 'float16') return (i) => f16ToF32(Number(data[i]));
  if (type === 'bfloat16') return (i) => bf16ToF32(Number(data[i]));
  return (i) => Number(data[i]);
}
