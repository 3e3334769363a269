import type { DataSet } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import { addInputSums } from '../probe/input-sums.js';
import { encodeOverlay } from '../probe/overlay.js';
import { openSession } from '../runtime/session.js';
import type { SessionOptions } from '../runtime/types.js';
import type { Site } from '../sites/types.js';
import type { SelectedModel } from './load.js';

/**
 * E[x] over the data for the inputs of the layers that feed the given sites' neurons: one pass through the graph up
 * to the last of these inputs, of which only sums leave it.
 *
 * @param load Gives the model anew: it is changed.
 * @returns [inputs] by the name of a layer's input.
 */
export async function inputMeans(
  load: () => SelectedModel,
  wanted: (site: Site) => boolean,
  data: DataSet,
  { session: where, signal }: { session: Pick<SessionOptions, 'device' | 'threads'>; signal?: AbortSignal },
): Promise<Map<string, Float64Array>> {
  const { model, sites, folder, name } = load();
  const layers = sites
    .filter(wanted)
    .flatMap(({ weights }) => weights.filter(({ role }) => role === 'in' || role === 'gate'))
    .map(({ layer }) => layer);
  const overlay = addInputSums(model, layers, data.masked);
  if (overlay.layers.length === 0) return new Map();
  const inputs = model.graph.inputs.map((input) => input.name);
  const bytes = encodeOverlay(model, folder);
  const session = await openSession({ ...where, model: bytes, folder, name }, signal ? { signal } : {});
  const totals = new Map<string, { sums: Float64Array; rows: number }>();
  try {
    for await (const batch of data.batches()) {
      const feeds: Record<string, NdArray> = {};
      for (const input of inputs) if (batch.feeds[input]) feeds[input] = batch.feeds[input];
      if (overlay.mask) {
        const kept = batch.mask ? (batch.mask.data as Uint8Array) : new Uint8Array(batch.positions).fill(1);
        feeds[overlay.mask] = {
          type: 'bool',
          dims: [kept.length],
          data: Uint8Array.from(kept, (one) => (one ? 1 : 0)),
        };
      }
      const fetch = overlay.layers.flatMap(({ sums, shape }) => [sums, shape]);
      const results = await session.run({ feeds, fetch });
      for (const { input, sums, shape } of overlay.layers) {
        const found = results[sums]!.data as Float32Array;
        const total = totals.get(input) ?? { sums: new Float64Array(found.length), rows: 0 };
        for (const [i, sum] of found.entries()) total.sums[i]! += sum;
        total.rows += overlay.mask ? batch.positions : Number(results[shape]!.data[0]);
        totals.set(input, total);
      }
    }
  } finally {
    await session.dispose();
  }
  return new Map([...totals].map(([input, { sums, rows }]) => [input, sums.map((sum) => sum / rows)]));
}
