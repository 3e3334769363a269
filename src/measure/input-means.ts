import { addInputSums } from '../probe/input-sums.js';
import { countedRows } from '../probe/row-mask.js';
import type { Site } from '../sites/types.js';
import { feedsFor, inputNames, openOverlaySession, positionMask } from './overlay-session.js';
import type { Subject } from './subject-types.js';

/**
 * Returns E[x] over the data, [inputs], for the inputs of the layers whose outputs are the neurons of the
 * wanted sites, by the name of each layer's input. One pass through the graph up to the last of these inputs;
 * only sums leave it.
 */
export async function inputMeans(
  subject: Subject,
  wanted: (site: Site) => boolean,
): Promise<Map<string, Float64Array>> {
  const copy = subject.copy();
  const layers = copy.sites
    .filter(wanted)
    .flatMap(({ weights }) => weights.filter(({ role }) => role === 'in' || role === 'gate'))
    .map(({ layer }) => layer);
  const overlay = addInputSums(copy.model, layers, subject.data.masked);
  if (overlay.layers.length === 0) return new Map();
  const inputs = inputNames(copy);
  const session = await openOverlaySession(copy, subject);
  const totals = new Map<string, { sums: Float64Array; rows: number }>();
  try {
    for await (const batch of subject.data.batches()) {
      const feeds = feedsFor(inputs, batch.feeds);
      if (overlay.mask) feeds[overlay.mask] = positionMask(batch);
      const fetch = overlay.layers.flatMap(({ sums, shape }) => [sums, shape]);
      const results = await session.run({ feeds, fetch });
      for (const { input, sums, shape } of overlay.layers) {
        const found = results[sums]!.data as Float32Array;
        const total = totals.get(input) ?? { sums: new Float64Array(found.length), rows: 0 };
        for (const [i, sum] of found.entries()) total.sums[i]! += sum;
        const rows = Number(results[shape]!.data[0]);
        total.rows += batch.mask ? countedRows(batch.mask.data as Uint8Array, rows) : rows;
        totals.set(input, total);
      }
    }
  } finally {
    await session.dispose();
  }
  return new Map([...totals].map(([input, { sums, rows }]) => [input, sums.map((sum) => sum / rows)]));
}
