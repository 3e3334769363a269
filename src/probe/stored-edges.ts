import { intAttribute } from '../graph/attributes.js';
import type { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import { DataType } from '../onnx/data-types.js';
import type { StoredGraph } from '../patterns/stored-graph.js';

/** Who is whose neighbour, as values of the graph. */
export interface Neighbours {
  /** Every ordered pair of neighbours once, int64 [2, pairs]: from, to. */
  edges: Value;
  /** Number of neighbours of each node, float32 [nodes]. */
  degrees: Value;
}

/**
 * The neighbours in a graph that the model stores, listed by the overlay itself, so that no adjacency ever leaves it: where the
 * matrix is not zero, or along the stored lists. Repeated edges count once, loops of a node to itself not at all.
 */
export function storedEdges(b: Builder, stored: StoredGraph): Neighbours {
  const { from, to, nodes } = stored.kind === 'adjacency' ? nonZeros(b, stored.matrix) : listed(b, stored);
  const apart = b.op('Not', [b.op('Equal', [from, to])]);
  const key = b.op('Add', [b.op('Mul', [from, nodes]), to]);
  const keys = unique(b, b.op('Compress', [key, apart], { axis: intAttribute(0) }))[0];
  const start = b.op('Div', [keys, nodes]);
  const end = b.op('Sub', [keys, b.op('Mul', [start, nodes])]);
  const pairs = [start, end].map((row) => b.unsqueeze(row, 0));
  const [reached, counts] = unique(b, end);
  const none = b.op('Expand', [b.float(0), b.unsqueeze(nodes, 0)]);
  return {
    edges: b.op('Concat', pairs, { axis: intAttribute(0) }),
    degrees: b.op('ScatterElements', [none, reached, b.cast(counts, DataType.FLOAT)], {
      axis: intAttribute(0),
    }),
  };
}

/** Node numbers int64 [pairs] and the number of nodes, int64 scalar. */
interface Listed {
  from: Value;
  to: Value;
  nodes: Value;
}

function nonZeros(b: Builder, matrix: Value): Listed {
  const places = b.op('NonZero', [b.cast(matrix, DataType.BOOL)]);
  const [to, from] = [0, 1].map((row) => b.op('Gather', [places, b.int(row)], { axis: intAttribute(0) }));
  return { from: from!, to: to!, nodes: sizeOf(b, matrix) };
}

function listed(b: Builder, { from, to, rows }: Extract<StoredGraph, { kind: 'edges' }>): Listed {
  const edges = b.unsqueeze(sizeOf(b, to), 0);
  const vector = (value: Value): Value => b.op('Reshape', [b.cast(value, DataType.INT64), b.ints([-1])]);
  // Where an edge's node number is repeated along the features, all columns are the same.
  const column = b.op('Slice', [
    b.op('Reshape', [to, b.op('Concat', [edges, b.ints([-1])], { axis: intAttribute(0) })]),
    b.ints([0]),
    b.ints([1]),
    b.ints([1]),
  ]);
  return { from: b.slice(vector(from), b.ints([0]), edges, 0), to: vector(column), nodes: sizeOf(b, rows) };
}

/** Different numbers in ascending order, and how often each was there; int64 [different] both. */
function unique(b: Builder, numbers: Value): [Value, Value] {
  const name = `${b.prefix}Unique`;
  const outputs = ['numbers', 'first', 'inverse', 'counts'].map((output) => `${name}_${output}`);
  const node = b.graph.addNode({ opType: 'Unique', inputs: [numbers], name, outputs });
  return [node.outputs[0]!, node.outputs[3]!];
}

/** Size of the first axis, int64 scalar. */
function sizeOf(b: Builder, value: Value): Value {
  return b.op('Gather', [b.op('Shape', [value]), b.int(0)]);
}
