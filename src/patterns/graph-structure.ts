import type { Graph, Node, Value } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import type { Dimension } from '../graph/types.js';
import { isFloat } from '../onnx/data-types.js';

/** The part of a graph that follows from the structure of the data, and not from its features. */
export interface Structural {
  /**
   * Values that follow from structure, constants and shapes alone; true if edges or an adjacency are upstream
   * of them.
   */
  values: Map<Value, boolean>;
  /** The nodes that compute them from such an input. */
  nodes: Node[];
}

/** Returns the part of a graph that follows from the structure of the data. */
export function structural(graph: Graph): Structural {
  const fed = graph.inputs.filter(({ tensor }) => !tensor);
  // A lone input holds features, be it square: one-hot features are.
  const inputs = fed.filter((input) => namesStructure(input.name) || (fed.length > 1 && isMatrix(input)));
  const values = new Map<Value, boolean>(inputs.map((input) => [input, true]));
  const nodes: Node[] = [];
  for (const node of topologicalOrder(graph)) {
    const operands = node.inputs.filter((input) => input !== null);
    const sized = node.is('Shape') || node.is('Size');
    if (!sized && !operands.every((input) => values.has(input) || input.tensor)) continue;
    const fromEdges = !sized && operands.some((input) => values.get(input));
    for (const output of node.outputs) if (output) values.set(output, fromEdges);
    if (fromEdges) nodes.push(node);
  }
  return { values, nodes };
}

/** Returns true if an input is named like edges, their weights, or an adjacency. */
function namesStructure(name: string): boolean {
  return /^(edge_?(index|list|weight|attr)|edges|adj\w*|a_hat|a)$/i.test(name);
}

const isMatrix = ({ type }: Value): boolean =>
  type?.shape?.length === 2 && isSquare(type.shape) && isFloat(type.elemType);

/** Returns true if the last two sizes are the same, by number or by name. */
export function isSquare(shape: readonly Dimension[] | null | undefined): boolean {
  const [rows, columns] = shape?.slice(-2) ?? [];
  return rows !== undefined && rows !== null && rows === columns;
}
