import type { Batch, DataSet } from '../../data/types.js';
import { Interrupted } from '../../errors.js';
import { allNodes } from '../../graph/traversal.js';
import type { SelectedModel } from '../../measure/load.js';
import type { NdArray } from '../../onnx/array.js';
import { DataType } from '../../onnx/data-types.js';
import { bf16ToF32, f16ToF32 } from '../../onnx/floats.js';
import { encodeOverlay } from '../../probe/overlay.js';
import { openSession } from '../../runtime/session.js';
import type { Session, SessionOptions } from '../../runtime/types.js';
import { onlyMaxima } from './maxima.js';

/**
 * Largest difference of outputs, relative to the largest output, that summing in another order makes: by the narrowest
 * number format in the model. Quantized activations may move by one step.
 */
export const ROUNDING = { float32: 1e-4, float16: 2e-2, bfloat16: 1e-1, quantized: 5e-2 };

export interface OutputDifference {
  /** Positions compared. */
  positions: number;
  largestDifference: number;
  /** Largest magnitude of an output. */
  largestOutput: number;
  /** Difference over that magnitude, per output; the largest. */
  relative: number;
}

interface Where {
  session: Pick<SessionOptions, 'device' | 'threads'>;
  signal: AbortSignal;
}

/** Bytes of outputs that are compared; the first batch always is. */
const COMPARED_BYTES = 256 * 1024 * 1024;

/** Runs two models on the same batches, as many as 256 MiB of outputs allow, and compares all outputs. */
export async function compareOutputs(
  before: () => SelectedModel,
  after: () => SelectedModel,
  data: DataSet,
  where: Where,
): Promise<OutputDifference> {
  const [a, b] = [before(), after()];
  const names = a.model.graph.outputs.map(({ name }) => name);
  const found = { positions: 0, largestDifference: 0, largestOutput: 0, relative: 0 };
  const peaks = new Map<string, { difference: number; magnitude: number }>();
  let bytes = 0;
  await withSessions([a, b], where, async ([first, second]) => {
    for await (const batch of data.batches()) {
      if (where.signal.aborted) throw new Interrupted('Interrupted; nothing was written.');
      const x = await first.run({ feeds: feedsOf(a, batch), fetch: names });
      const y = await second.run({ feeds: feedsOf(b, batch), fetch: names });
      for (const name of names) {
        const peak = peaks.get(name) ?? { difference: 0, magnitude: 0 };
        compare(x[name]!, y[name]!, batch.mask, peak);
        peaks.set(name, peak);
        bytes += x[name]!.data.byteLength;
      }
      found.positions += batch.positions;
      if (bytes > COMPARED_BYTES) break;
    }
  });
  for (const { difference, magnitude } of peaks.values()) {
    found.largestDifference = Math.max(found.largestDifference, difference);
    found.largestOutput = Math.max(found.largestOutput, magnitude);
    found.relative = Math.max(found.relative, difference === 0 ? 0 : difference / Math.max(magnitude, 1e-30));
  }
  return found;
}

/** The tolerance of a model's outputs (see `ROUNDING`). */
export function toleranceOf({ model }: SelectedModel): number {
  let tolerance = ROUNDING.float32;
  const allow = (more: number) => {
    tolerance = Math.max(tolerance, more);
  };
  for (const { tensor } of model.graph.initializers) {
    if (tensor?.dataType === DataType.FLOAT16) allow(ROUNDING.float16);
    if (tensor?.dataType === DataType.BFLOAT16) allow(ROUNDING.bfloat16);
  }
  for (const { opType } of allNodes(model.graph)) {
    if (/QuantizeLinear$|Integer|^QLinear/.test(opType)) allow(ROUNDING.quantized);
  }
  return tolerance;
}

/** Positions that don't count are not compared: padding has no meaning. */
function compare(
  a: NdArray,
  b: NdArray,
  mask: NdArray | null,
  peak: { difference: number; magnitude: number },
): void {
  if (a.data.length !== b.data.length) throw new Error('outputs of different sizes cannot be compared');
  const counts = mask && countsOf(a.dims, mask);
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

/** Whether an element of an output is at a position that counts; `null` when the output has no such axes. */
function countsOf(dims: number[], { dims: axes, data }: NdArray): ((i: number) => boolean) | null {
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

/** Seconds for all timed runs of a model together, about. */
const TIMING_SECONDS = 3;

/** Median seconds of a forward pass of both models on a batch, run in turns in the same minute. */
export async function forwardSeconds(
  before: () => SelectedModel,
  after: () => SelectedModel,
  batch: Batch,
  where: Where,
): Promise<{ before: number; after: number }> {
  const models = [before(), after()];
  const fetch = models.map(({ model }) => onlyMaxima(model));
  const times: [number[], number[]] = [[], []];
  await withSessions(models, where, async (sessions) => {
    const once = async (k: 0 | 1): Promise<number> => {
      const begun = performance.now();
      await sessions[k].run({ feeds: feedsOf(models[k]!, batch), fetch: fetch[k]! });
      return (performance.now() - begun) / 1000;
    };
    const warm = (await once(0)) + (await once(1));
    const runs = Math.min(25, Math.max(3, Math.floor((2 * TIMING_SECONDS) / warm)));
    for (let i = 0; i < runs; i++) for (const k of [0, 1] as const) times[k].push(await once(k));
  });
  return { before: median(times[0]), after: median(times[1]) };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

function feedsOf({ model }: SelectedModel, { feeds }: Batch): Record<string, NdArray> {
  const names = model.graph.inputs.map(({ name }) => name);
  return Object.fromEntries(names.flatMap((name) => (feeds[name] ? [[name, feeds[name]]] : [])));
}

async function withSessions(
  models: SelectedModel[],
  { session, signal }: Where,
  use: (sessions: [Session, Session]) => Promise<void>,
): Promise<void> {
  const open: Session[] = [];
  try {
    for (const { model, folder, name } of models) {
      open.push(
        await openSession({ ...session, model: encodeOverlay(model, folder), folder, name }, { signal }),
      );
    }
    await use(open as [Session, Session]);
  } finally {
    for (const one of open) await one.dispose();
  }
}
