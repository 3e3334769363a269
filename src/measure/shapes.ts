import type { Batch } from '../data/types.js';
import { addShapeProbes } from '../probe/tensor-shapes.js';
import { feedsFor, inputNames, openOverlaySession } from './overlay-session.js';
import type { Subject } from './subject-types.js';

/** Returns the sizes of all computed tensors while a batch runs, by tensor name. */
export async function tensorShapes(subject: Subject, batch: Batch): Promise<Map<string, number[]>> {
  const copy = subject.copy();
  const tensors = addShapeProbes(copy.model.graph);
  const session = await openOverlaySession(copy, subject);
  try {
    const results = await session.run({
      feeds: feedsFor(inputNames(copy), batch.feeds),
      fetch: [...tensors.keys()],
    });
    const sizes = (output: string) => Array.from(results[output]!.data as BigInt64Array, Number);
    return new Map([...tensors].map(([output, tensor]) => [tensor, sizes(output)]));
  } finally {
    await session.dispose();
  }
}
