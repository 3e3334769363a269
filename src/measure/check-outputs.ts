import type { Warning } from '../data/spec.js';
import type { Batch } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import { f16ToF32 } from '../onnx/floats.js';
import { auditOverlay } from '../probe/overlay.js';
import type { Probes } from '../probe/probe.js';
import type { Session } from '../runtime/types.js';
import {
  feedsFor,
  inputNames,
  openEncodedSession,
  openOverlaySession,
  positionMask,
} from './overlay-session.js';
import type { Subject } from './subject-types.js';

/** Returns the observer effect as a sentence. */
export async function checkOutputs(subject: Subject): Promise<Warning> {
  return sentence(await outputDifferences(subject, await subject.data.rangeBatch()));
}

/** Difference of one output with and without probes. */
export interface OutputDifference {
  output: string;
  /** Largest absolute difference. */
  difference: number;
  /** Largest magnitude of a finite number in the output. */
  magnitude: number;
}

/**
 * Measures the observer effect: runs one batch through the model as it is and through the model with probes.
 * The difference is not 0 where a probe undoes a fusion.
 */
export async function outputDifferences(subject: Subject, batch: Batch): Promise<OutputDifference[]> {
  const plain = subject.copy();
  const outputs = plain.model.graph.outputs.map(({ name }) => name);
  const feeds = feedsFor(inputNames(plain), batch.feeds);
  const before = await runOnce(await openOverlaySession(plain, subject), feeds, outputs);
  const probed = subject.copy();
  const overlay = auditOverlay(probed.model, probed.sites, probed.folder, {
    criterion: subject.criterion,
    masked: subject.data.masked,
    countNonFinite: false,
    keepOutputs: true,
  });
  const session = await openEncodedSession(overlay.bytes, probed, subject);
  const after = await runOnce(session, { ...feeds, ...probeFeeds(overlay.probes, batch) }, outputs);
  return outputs.map((output) => ({ output, ...compare(before[output]!, after[output]!) }));
}

async function runOnce(
  session: Session,
  feeds: Record<string, NdArray>,
  fetch: string[],
): Promise<Record<string, NdArray>> {
  try {
    return await session.run({ feeds, fetch });
  } finally {
    await session.dispose();
  }
}

function probeFeeds({ mask, sites }: Probes, batch: Batch): Record<string, NdArray> {
  const feeds: Record<string, NdArray> = mask ? { [mask]: positionMask(batch) } : {};
  for (const { scale, zeroPoint } of sites) {
    feeds[scale] = { type: 'float32', dims: [], data: Float32Array.of(1) };
    feeds[zeroPoint] = { type: 'uint8', dims: [], data: Uint8Array.of(128) };
  }
  return feeds;
}

/** Compares two arrays. Equal values differ by 0, also where they are not finite. */
function compare(a: NdArray, b: NdArray): Omit<OutputDifference, 'output'> {
  let largest = 0;
  let magnitude = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [number(a, i), number(b, i)];
    if (Number.isFinite(x)) magnitude = Math.max(magnitude, Math.abs(x));
    if (Object.is(x, y) || x === y) continue;
    const difference = Math.abs(x - y);
    if (!(difference <= largest)) largest = difference;
  }
  return { difference: largest, magnitude };
}

function number({ type, data }: NdArray, i: number): number {
  return type === 'float16' ? f16ToF32(Number(data[i])) : Number(data[i]);
}

function sentence(differences: OutputDifference[]): Warning {
  const worst = [...differences].sort((a, b) => b.difference - a.difference)[0];
  const message =
    !worst || worst.difference === 0
      ? "The model's own outputs are bit for bit the same with and without probes."
      : `With probes the model's own outputs differ by at most ${worst.difference.toExponential(1)} (${worst.output}): a fusion was undone.`;
  return { code: 'outputs-checked', message };
}
