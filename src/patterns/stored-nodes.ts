import { constantTensor } from '../graph/constants.js';
import type { Value } from '../graph/value.js';
import { elementCount, readElements } from '../onnx/tensors.js';
import type { StoredGraph } from './graph-structure.js';
import { moving } from './pass.js';

/** How many nodes a stored graph has: exactly so many with an adjacency, at least so many with a list of edges. */
export interface StoredNodes {
  nodes: number;
  exact: boolean;
}

/** An adjacency has a row a node; a list of edges names them. Lists are read in parts. `null` when neither tells. */
export function storedNodes(stored: StoredGraph): StoredNodes | null {
  if (stored.kind === 'adjacency') return stored.nodes === null ? null : { nodes: stored.nodes, exact: true };
  const largest = Math.max(...[stored.from, stored.to].map((value) => largestNumber(value)));
  return largest < 0 ? null : { nodes: largest + 1, exact: false };
}

/** Node numbers read at once. */
const PART = 2 ** 16;

/** The largest of the stored numbers that come out unchanged in a value; −1 when none is found. */
function largestNumber(value: Value, steps = 16): number {
  const tensor = constantTensor(value);
  if (tensor) {
    const count = elementCount(tensor);
    let largest = -1;
    for (let start = 0; start < count; start += PART) {
      const part = readElements(tensor, { start, end: Math.min(count, start + PART) });
      for (const number of part) if (number > largest) largest = number;
    }
    return largest;
  }
  const node = value.producer;
  if (!node || steps === 0) return -1;
  if (node.is('Concat')) {
    return Math.max(...node.inputs.map((input) => (input ? largestNumber(input, steps - 1) : -1)));
  }
  const selects = ['Gather', 'GatherND', 'Slice', 'Split', 'Compress', 'Transpose'].some((type) =>
    node.is(type),
  );
  return node.input && (selects || moving(node)) ? largestNumber(node.input, steps - 1) : -1;
}
