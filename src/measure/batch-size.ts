import { activationBytes } from '../probe/activation-bytes.js';
import { availableMemoryBytes } from '../runtime/memory.js';
import { memoryBytes } from '../settings/audit-settings.js';
import { tensorShapes } from './shapes.js';
import type { Subject } from './subject-types.js';

/** Share of the available memory that the activations of a batch may take, and the most of it. */
const MEMORY_SHARE = 1 / 4;
const MOST_BYTES = 512 * 2 ** 20;

/**
 * Returns the rows that a batch may have so that its activations fit the budget: `memory`, or by default a
 * quarter of the memory available, 512 MiB at most. Returns `null` where the automatic batch size needs no
 * limit.
 *
 * A convolution makes many large tensors of a small input, so its batch cannot be sized by the model's
 * inputs. One row is run, and the sizes of all tensors say what each row takes.
 */
export async function rowsThatFit(subject: Subject): Promise<number | null> {
  const { options, data, original } = subject;
  const limited = options.memory !== undefined;
  const isConvolutional = original.sites.some(({ axis }) => axis === 1);
  if (options.batchSize !== undefined || !data.withBatchSize || data.description.batchSize <= 1) return null;
  if (!isConvolutional && !limited) return null;
  for await (const row of data.withBatchSize(1).batches()) {
    const shapes = await tensorShapes(subject, row);
    const { liveBytes, binBytes } = activationBytes(original.model.graph, original.sites, shapes);
    // The allocator keeps up to twice what lives at once.
    const bytesPerRow = 2 * liveBytes + binBytes;
    const budget = limited
      ? memoryBytes(options.memory!)
      : Math.min(availableMemoryBytes() * MEMORY_SHARE, MOST_BYTES);
    const rows = Math.max(1, Math.floor(budget / Math.max(1, bytesPerRow)));
    return rows < data.description.batchSize ? rows : null;
  }
  return null;
}
