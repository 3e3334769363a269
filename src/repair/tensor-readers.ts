import { constantTensor } from '../graph/constants.js';
import type { Node } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { allGraphs } from '../graph/traversal.js';
import { bytesKey } from '../onnx/elements.js';
import { readersOf } from '../patterns/quantized.js';

/**
 * Returns the nodes that read the numbers of each stored tensor, by `bytesKey`: a file may hold two tensors
 * over the same bytes, and a change of one changes the other.
 */
export function readersByBytes(model: Model): ReadonlyMap<string, Node[]> {
  const readers = new Map<string, Node[]>();
  for (const graph of allGraphs(model.graph)) {
    const constants = [...graph.nodes].filter((node) => node.is('Constant')).map((node) => node.output);
    for (const value of [...graph.initializers, ...constants]) {
      const tensor = constantTensor(value);
      const key = tensor && bytesKey(tensor);
      if (!key) continue;
      const own = readersOf(value).filter((node) => !node.is('Shape') && !node.is('Size'));
      readers.set(key, [...(readers.get(key) ?? []), ...own]);
    }
  }
  return readers;
}

/** Names listed in a reason. */
const SHOWN_READERS = 3;

/**
 * Returns the reason why a tensor cannot change for one of its readers alone: `w` is shared: MatMul_3 reads
 * it too.
 */
export function sharedReason(tensor: string, others: readonly Node[]): string {
  const names = others.slice(0, SHOWN_READERS).map(({ name, opType }) => name || opType);
  return `\`${tensor}\` is shared: ${names.join(', ')} read${others.length > 1 ? '' : 's'} it too`;
}
