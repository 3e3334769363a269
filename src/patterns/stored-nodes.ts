import { constantTensor } from '../graph/constants.js';
import type { Value } from '../graph/graph.js';
import { passesNumbers } from '../graph/operators.js';
import { elementCount, readElements } from '../onnx/tensors.js';
import type { TensorProto } from '../onnx/types.js';
import type { EdgeAggregation } from './edge-aggregation.js';
import type { StoredGraph } from './stored-graph.js';

/** How many nodes a stored graph has: exactly so many with an adjacency, at least so many with a list of edges. */
export interface StoredNodes {
  nodes: number;
  exact: boolean;
}

/** An adjacency has a row a node; a list of edges names them. Lists are read in parts. `null` when neither tells. */
export function storedNodes(stored: StoredGraph): StoredNodes | null {
  if (stored.kind === 'adjacency') return stored.nodes === null ? null : { nodes: stored.nodes, exact: true };
  const largest = Math.max(-1, ...lists(stored).map(largestNumber));
  return largest < 0 ? null : { nodes: largest + 1, exact: false };
}

/** The same for aggregations over the same stored edges: how many there are, and the numbers of the first and last ones. */
export function signature({ from, to }: Pick<EdgeAggregation, 'from' | 'to'>): string {
  const whole = constantTensor(to);
  // Repeated along the features, an edge's number is in every column.
  const columns = whole ? elementCount(whole) / Number(whole.dims[0]) : 1;
  const facts = [
    ...listsBehind(from).map((tensor) => endsOf(tensor, 1)),
    ...listsBehind(to).map((tensor) => endsOf(tensor, columns)),
  ];
  return [...new Set(facts)].join(';');
}

/** How many rows there are, and the first column's numbers at either end. */
function endsOf(tensor: TensorProto, columns: number): string {
  const count = elementCount(tensor) / columns;
  const rows = Array.from({ length: Math.min(count, 2 * LOOKED_AT) }, (_, k) =>
    k < LOOKED_AT ? k : Math.max(k, count - 2 * LOOKED_AT + k),
  );
  const numbers = readElements(
    tensor,
    rows.map((row) => row * columns),
  );
  return `${count}:${numbers.join()}`;
}

/** Numbers at either end of a list that tell it from others. */
const LOOKED_AT = 256;

/** Node numbers read at once. */
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

/** The stored tensors whose numbers come out unchanged in the ends of the edges. */
function lists({ from, to }: { from: Value; to: Value }): TensorProto[] {
  return [...new Set([...listsBehind(from), ...listsBehind(to)])];
}

const selecting = new Set(['Gather', 'GatherND', 'Slice', 'Split', 'Compress', 'Transpose']);

function listsBehind(value: Value, steps = 16): TensorProto[] {
  const tensor = constantTensor(value);
  if (tensor) return [tensor];
  const node = value.producer;
  if (!node || steps === 0) return [];
  if (node.is('Concat')) return node.inputs.flatMap((input) => (input ? listsBehind(input, steps - 1) : []));
  const passes = (node.domain === '' && selecting.has(node.opType)) || passesNumbers(node);
  return node.input && passes ? listsBehind(node.input, steps - 1) : [];
}
