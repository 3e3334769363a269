import { constantTensor } from '../graph/constants.js';
import type { Graph } from '../graph/graph.js';
import type { Node } from '../graph/node.js';
import { topologicalOrder } from '../graph/traversal.js';
import type { Value } from '../graph/value.js';
import { isFloat } from '../onnx/data-types.js';
import { elementCount, readElements } from '../onnx/tensors.js';
import { edgeAggregations } from './edge-aggregation.js';
import { linear } from './linear.js';
import { moving } from './pass.js';

/** What of a graph follows from the structure of the data, not from its features. */
export interface Structural {
  /** Values that follow from structure, constants and shapes alone, and whether an input of edges or an adjacency is behind them. */
  values: Map<Value, boolean>;
  /** The nodes that compute them from such an input. */
  nodes: Node[];
}

export function structural(graph: Graph): Structural {
  const fed = graph.inputs.filter(({ tensor }) => !tensor);
  // A lone input holds features, be it square: one-hot features are.
  const inputs = fed.filter((input) => namesStructure(input.name) || (fed.length > 1 && isSquare(input)));
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

/** Whether an input is named like edges, their weights, or an adjacency. */
export function namesStructure(name: string): boolean {
  return /^(edge_?(index|list|weight|attr)|edges|adj\w*|a_hat|a)$/i.test(name);
}

function isSquare({ type }: Value): boolean {
  const shape = type?.shape;
  return shape?.length === 2 && shape[0] === shape[1] && shape[0] !== null && isFloat(type!.elemType);
}

/** The graph of a model that takes features alone: it is stored in the file. */
export type StoredGraph =
  | {
      kind: 'adjacency';
      /** [nodes, nodes]; row = to, column = from; neighbours where it is not zero. */
      matrix: Value;
      nodes: number | null;
    }
  | {
      kind: 'edges';
      /** Node numbers [edges]. */
      from: Value;
      to: Value;
      /** [nodes, …]: as many rows as there are nodes. */
      rows: Value;
      nodes: null;
    };

/**
 * The graph that a model stores: a constant square matrix that all of its layers multiply embeddings with from the left, in a
 * model that also multiplies them with weights from the right, and that holds nothing below 0; or constant lists of node numbers that it gathers by and adds by.
 * `null` when it stores none, or several.
 */
export function storedGraph(graph: Graph): StoredGraph | null {
  if (graph.inputs.some(({ name, tensor }) => !tensor && namesStructure(name))) return null;
  const { values } = structural(graph);
  const stored = (value: Value): boolean => value.tensor !== null || values.get(value) === false;
  const edges = edgeAggregations(graph).find(
    ({ from, to, features }) => stored(from) && stored(to) && !values.has(features),
  );
  if (edges) return { kind: 'edges', from: edges.from, to: edges.to, rows: edges.start, nodes: null };
  const products = topologicalOrder(graph).filter((node) => multipliesFromLeft(node, stored));
  const matrices = new Set(products.map((node) => unmoved(node.inputs[0]!)));
  const matrix = products[0]?.inputs[0];
  if (!matrix || matrices.size > 1 || !products.some(besideLinear) || hasNegative(matrix)) return null;
  const size = matrix.type?.shape?.[0] ?? matrix.tensor?.dims[0];
  return { kind: 'adjacency', matrix, nodes: typeof size === 'number' ? size : null };
}

/** A · H with a constant square A [nodes, nodes] and a computed H. */
function multipliesFromLeft(node: Node, stored: (value: Value) => boolean): boolean {
  const [left, right] = node.inputs;
  const product = node.is('MatMul') || (node.is('Gemm') && node.int('transA', 0) === 0);
  if (!product || !left || !right || !stored(left) || stored(right)) return false;
  const shape = left.tensor?.dims ?? left.type?.shape;
  return shape?.length === 2 && shape[0] === shape[1];
}

/** Elements of a matrix that are looked at. */
const LOOKED_AT = 2 ** 16;

/** Whether a stored matrix begins with some number below 0: a Fourier or cosine transform does, no adjacency. */
function hasNegative(matrix: Value): boolean {
  const tensor = constantTensor(matrix);
  if (!tensor) return false;
  return readElements(tensor, { start: 0, end: Math.min(LOOKED_AT, elementCount(tensor)) }).some(
    (number) => number < 0,
  );
}

/** Whether what a matrix is multiplied with comes from a linear layer, or the product goes into one: a graph convolution. */
function besideLinear(product: Node): boolean {
  const before = product.inputs[1]!.producer;
  const source = before && moving(before) ? (before.input?.producer ?? null) : before;
  return (
    (source !== null && linear(source) !== null) ||
    product.output.uses.some(({ node, index }) => index === 0 && linear(node) !== null)
  );
}

/** The value that only moves stand between. */
function unmoved(value: Value): Value {
  const node = value.producer;
  return node && moving(node) && node.input ? unmoved(node.input) : value;
}
