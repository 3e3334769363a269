import { elementCount, readElements } from '../onnx/tensors.js';
import type { TensorProto } from '../onnx/types.js';
import { storedLists } from './node-lists.js';
import type { StoredGraph } from './stored-graph.js';

/**
 * The number of nodes of a stored graph: exact with an adjacency, the least possible with a list of edges.
 */
export interface StoredNodes {
  nodes: number;
  exact: boolean;
}

/**
 * Returns how many nodes a stored graph has: an adjacency has a row for each, a list of edges names them.
 * Lists are read in parts. Returns `null` if neither says it.
 */
export function storedNodes(stored: StoredGraph): StoredNodes | null {
  if (stored.kind === 'adjacency') return stored.nodes === null ? null : { nodes: stored.nodes, exact: true };
  const largest = Math.max(-1, ...storedLists(stored).map(largestNumber));
  return largest < 0 ? null : { nodes: largest + 1, exact: false };
}

/** Node numbers that are read at a time. */
const PART = 2 ** 16;

function largestNumber(tensor: TensorProto): number {
  const count = elementCount(tensor);
  let largest = -1;
  for (let start = 0; start < count; start += PART) {
    const part = readElements(tensor, { start, end: Math.min(count, start + PART) });
    for (const number of part) if (number > largest) largest = number;
  }
  return largest;
}
