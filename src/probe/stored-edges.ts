import { intAttribute } from '../graph/attributes.js';
import type { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import { slice } from '../graph/spelling.js';
import { DataType } from '../onnx/data-types.js';
import type { StoredGraph } from '../patterns/stored-graph.js';

/** Neighbours of all nodes, as values of the graph. */
export interface Neighbours {
  /** Every ordered pair of neighbours once, int64 [2, pairs]: from, to. */
  edges: Value;
  /** Number of neighbours of each node, float32 [nodes]. */
  degrees: Value;
}

/**
 * Opsets that the operators came with that list a matrix's entries (NonZero), and different numbers (Unique).
 */
const MATRIX_OPSET = 9;
const LISTS_OPSET = 11;

/**
 * Lists the neighbours in a graph that the model stores. The overlay lists them itself, so that no adjacency
 * ever leaves it. Repeated edges count once, loops of a node to itself not at all.
 *
 * @returns `null` if the model's opset is too old for that.
 */
export function storedNeighbours(b: Builder, stored: StoredGraph): Neighbours | null {
  if (stored.kind === 'adjacency') return b.opset < MATRIX_OPSET ? null : inMatrix(b, stored.matrix);
  return b.opset < LISTS_OPSET ? null : inLists(b, stored);
}

/** Neighbours where the matrix [to, from] is not zero, outside its diagonal. */
function inMatrix(b: Builder, matrix: Value): Neighbours {
  const linked = b.cast(matrix, DataType.BOOL);
  const diagonal = b.cast(b.op('EyeLike', [b.cast(linked, DataType.FLOAT)]), DataType.BOOL);
  const apart = b.op('And', [linked, b.op('Not', [diagonal])]);
  const counts = b.reduce('ReduceSum', b.cast(apart, DataType.FLOAT), [1]);
  return { edges: b.op('NonZero', [b.op('Transpose', [apart])]), degrees: b.flat(counts) };
}

/** Neighbours along lists of node numbers [edges]. */
function inLists(b: Builder, { from, to, rows }: Extract<StoredGraph, { kind: 'edges' }>): Neighbours {
  const edges = b.unsqueeze(b.sizeOf(to, 0), 0);
  const nodes = b.sizeOf(rows, 0);
  const vector = (value: Value): Value => b.flat(b.cast(value, DataType.INT64));
  // If each edge's node number is repeated along the features, all columns are the same.
  const table = b.op('Reshape', [to, b.op('Concat', [edges, b.ints([-1])], { axis: intAttribute(0) })]);
  const end = vector(slice(b, table, b.ints([0]), b.ints([1]), 1));
  const start = slice(b, vector(from), b.ints([0]), edges, 0);
  const apart = b.op('Not', [b.op('Equal', [start, end])]);
  const key = b.op('Add', [b.op('Mul', [start, nodes]), end]);
  const keys = unique(b, b.op('Compress', [key, apart], { axis: intAttribute(0) }))[0];
  const froms = b.op('Div', [keys, nodes]);
  const tos = b.op('Sub', [keys, b.op('Mul', [froms, nodes])]);
  const pairs = [froms, tos].map((row) => b.unsqueeze(row, 0));
  const [reached, counts] = unique(b, tos);
  const zeros = b.op('Expand', [b.float(0), b.unsqueeze(nodes, 0)]);
  const degrees = [zeros, reached, b.cast(counts, DataType.FLOAT)];
  return {
    edges: b.op('Concat', pairs, { axis: intAttribute(0) }),
    degrees: b.op('ScatterElements', degrees, { axis: intAttribute(0) }),
  };
}

/** Different numbers in ascending order, and how often each occurs; int64 [different] both. */
function unique(b: Builder, numbers: Value): [Value, Value] {
  const name = `${b.prefix}Unique`;
  const outputs = ['numbers', 'first', 'inverse', 'counts'].map((output) => `${name}_${output}`);
  const node = b.graph.addNode({ opType: 'Unique', inputs: [numbers], name, outputs });
  return [node.outputs[0]!, node.outputs[3]!];
}
