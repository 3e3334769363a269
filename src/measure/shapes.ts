import type { Batch } from '../data/types.js';
import { encodeOverlay } from '../probe/overlay.js';
import { addShapeProbes } from '../probe/tensor-shapes.js';
import { openSession } from '../runtime/session.js';
import type { SessionOptions } from '../runtime/types.js';
import type { SelectedModel } from './load.js';

/** Sizes of all computed tensors of a model while a batch runs, by name. */
export async function measureShapes(
  { model, folder, name }: SelectedModel,
  batch: Batch,
  where: Pick<SessionOptions, 'device' | 'threads'>,
  signal: AbortSignal,
): Promise<Map<string, number[]>> {
  const tensors = addShapeProbes(model.graph);
  const inputs = model.graph.inputs.map((value) => value.name);
  const feeds = Object.fromEntries(
    inputs.flatMap((input) => (batch.feeds[input] ? [[input, batch.feeds[input]]] : [])),
  );
  const session = await openSession(
    { ...where, model: encodeOverlay(model, folder), folder, name },
    { signal },
  );
  try {
    const results = await session.run({ feeds, fetch: [...tensors.keys()] });
    return new Map(
      [...tensors].map(([output, tensor]) => [
        tensor,
        Array.from(results[output]!.data as BigInt64Array, Number),
      ]),
    );
  } finally {
    await session.dispose();
  }
}
