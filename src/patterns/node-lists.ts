import { constantTensor } from '../graph/constants.js';
import { type Crossing, follow } from '../graph/follow.js';
import type { Value } from '../graph/graph.js';
import { passesNumbers } from '../graph/operators.js';
import { elementCount, readElements } from '../onnx/tensors.js';
import type { TensorProto } from '../onnx/types.js';

/** The node numbers at both ends of edges, as an `EdgeAggregation` has them. */
interface Ends {
  from: Value;
  to: Value;
}

/** Returns the stored tensors whose numbers come out unchanged in the ends of the edges. */
export function storedLists({ from, to }: Ends): TensorProto[] {
  return [...new Set([...listsUpstream(from), ...listsUpstream(to)])];
}

/**
 * Returns a text that is the same for aggregations over the same stored edges: how many edges there are, and
 * the numbers of the first and the last ones.
 */
export function listSignature({ from, to }: Ends): string {
  const whole = constantTensor(to);
  // Repeated along the features, an edge's number is in every column.
  const columns = whole ? elementCount(whole) / Number(whole.dims[0]) : 1;
  const facts = [
    ...listsUpstream(from).map((tensor) => firstAndLast(tensor, 1)),
    ...listsUpstream(to).map((tensor) => firstAndLast(tensor, columns)),
  ];
  return [...new Set(facts)].join(';');
}

/** Numbers at either end of a list that tell it from others. */
const COMPARED = 256;

/** Number of rows, and the first column's numbers at either end. */
function firstAndLast(tensor: TensorProto, columns: number): string {
  const count = elementCount(tensor) / columns;
  const rows = Array.from({ length: Math.min(count, 2 * COMPARED) }, (_, k) =>
    k < COMPARED ? k : Math.max(k, count - 2 * COMPARED + k),
  );
  const numbers = readElements(
    tensor,
    rows.map((row) => row * columns),
  );
  return `${count}:${numbers.join()}`;
}

/** Nodes between a stored list and the ends of the edges, at most. */
const LIST_DEPTH = 16;

const selecting = new Set(['Gather', 'GatherND', 'Slice', 'Split', 'Compress', 'Transpose']);

function listsUpstream(value: Value): TensorProto[] {
  const through = ({ node, input, from }: Crossing): boolean => {
    if (constantTensor(from)) return false;
    if (node.is('Concat')) return true;
    return input === 0 && (passesNumbers(node) || (node.domain === '' && selecting.has(node.opType)));
  };
  const tensors: TensorProto[] = [];
  for (const at of follow(value, 'upstream', through, LIST_DEPTH)) {
    const tensor = constantTensor(at);
    if (tensor) tensors.push(tensor);
  }
  return tensors;
}
