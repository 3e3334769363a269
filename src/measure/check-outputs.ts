import type { Batch } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import { f16ToF32 } from '../onnx/floats.js';
import { auditOverlay, encodeOverlay } from '../probe/overlay.js';
import type { Warning } from '../report/schema.js';
import { openSession } from '../runtime/session.js';
import type { SelectedModel } from './load.js';
import type { ProbeRunOptions } from './probe-run.js';

/** `--check-outputs`: the observer effect in a sentence. */
export async function checkOutputs(
  load: () => SelectedModel,
  batch: Batch,
  options: ProbeRunOptions,
): Promise<Warning> {
  return describe(await outputDifferences(load, batch, options));
}

/**
 * The observer effect: runs one batch through the model as it is and through the model with probes, and says by how
 * much each of its own outputs differs (a probe can undo a fusion).
 */
export async function outputDifferences(
  load: () => SelectedModel,
  batch: Batch,
  { criterion, masked, session: where, signal }: ProbeRunOptions,
): Promise<[output: string, difference: number][]> {
  const stop = signal ? { signal } : {};
  const plain = load();
  const outputs = plain.model.graph.outputs.map(({ name }) => name);
  const inputs = plain.model.graph.inputs.map(({ name }) => name).filter((name) => batch.feeds[name]);
  const own = Object.fromEntries(inputs.map((name) => [name, batch.feeds[name]!]));
  const { folder, name } = plain;
  const run = async (model: Uint8Array, feeds: Record<string, NdArray>): Promise<Record<string, NdArray>> => {
    const session = await openSession({ ...where, model, folder, name }, stop);
    try {
      return await session.run({ feeds, fetch: outputs });
    } finally {
      await session.dispose();
    }
  };
  const before = await run(encodeOverlay(plain.model, folder), own);
  const probed = load();
  const overlay = auditOverlay(probed.model, probed.sites, folder, {
    criterion,
    masked,
    countNonFinite: false,
    keepOutputs: true,
  });
  const after = await run(overlay.bytes, { ...own, ...probeFeeds(overlay.probes, batch) });
  return outputs.map((output) => [output, difference(before[output]!, after[output]!)]);
}

function probeFeeds(
  { mask, sites }: ReturnType<typeof auditOverlay>['probes'],
  batch: Batch,
): Record<string, NdArray> {
  const feeds: Record<string, NdArray> = {};
  if (mask) {
    const data = batch.mask
      ? Uint8Array.from(batch.mask.data as Uint8Array)
      : new Uint8Array(batch.positions).fill(1);
    feeds[mask] = { type: 'bool', dims: [data.length], data };
  }
  for (const { scale, zeroPoint } of sites) {
    feeds[scale] = { type: 'float32', dims: [], data: Float32Array.of(1) };
    feeds[zeroPoint] = { type: 'uint8', dims: [], data: Uint8Array.of(128) };
  }
  return feeds;
}

/** Largest absolute difference of two arrays; equal non-finite values differ by 0. */
function difference(a: NdArray, b: NdArray): number {
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [number(a, i), number(b, i)];
    if (Object.is(x, y) || x === y) continue;
    const d = Math.abs(x - y);
    if (!(d <= largest)) largest = d;
  }
  return largest;
}

function number({ type, data }: NdArray, i: number): number {
  return type === 'float16' ? f16ToF32(Number(data[i])) : Number(data[i]);
}

function describe(differences: [string, number][]): Warning {
  const [output, largest] = differences.reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
  const message =
    largest === 0
      ? "The model's own outputs are bit for bit the same with and without probes."
      : `With probes the model's own outputs differ by at most ${largest.toExponential(1)} (${output}): a fusion was undone.`;
  return { code: 'outputs-checked', message };
}
