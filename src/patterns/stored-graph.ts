import { constantTensor } from '../graph/constants.js';
import { unmoved } from '../graph/follow.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import { isFloat } from '../onnx/data-types.js';
import { elementCount, readElements } from '../onnx/tensors.js';
import { edgeAggregations } from './edge-aggregation.js';
import { isSquare, structural } from './graph-structure.js';
import { linearDownstream } from './linear-downstream.js';
import { linearUpstream } from './linear-upstream.js';
import { listSignature } from './node-lists.js';
import { isConstant } from './operands.js';

/** The graph that the file of a model stores: the model takes features alone. */
export type StoredGraph =
  | {
      kind: 'adjacency';
      /** [nodes, nodes]: row = to, column = from; not zero for neighbours. */
      matrix: Value;
      nodes: number | null;
    }
  | {
      kind: 'edges';
      /** As in `EdgeAggregation`. */
      from: Value;
      to: Value;
      /** [nodes, …]: as many rows as there are nodes. */
      rows: Value;
    };

/**
 * Returns the graph that a model stores; `null` if it stores none, or several. The model's only input are the
 * features [nodes, features] (or [1, nodes, features]). Its graph is one of these:
 * - constant lists of node numbers by which it gathers and adds;
 * - a constant square matrix without numbers below 0, by which all layers multiply embeddings from the left,
 *   while they multiply them by weights from the right.
 */
export function storedGraph(graph: Graph): StoredGraph | null {
  const fed = graph.inputs.filter(({ tensor }) => !tensor);
  if (fed.length !== 1 || !holdsFeatures(fed[0]!)) return null;
  const { values } = structural(graph);
  const stored = (value: Value): boolean => value.tensor !== null || values.get(value) === false;
  const lists = edgeAggregations(graph).filter(
    ({ from, to, features }) => stored(from) && stored(to) && !values.has(features),
  );
  if (new Set(lists.map(listSignature)).size > 1) return null;
  const [edges] = lists;
  if (edges) return { kind: 'edges', from: edges.from, to: edges.to, rows: edges.start };
  const products = topologicalOrder(graph).filter(
    (node) => multipliesFromLeft(node, stored) && !stored(node.inputs[1]!),
  );
  const matrix = products[0]?.inputs[0];
  if (!matrix || new Set(products.map((node) => unmoved(node.inputs[0]!))).size > 1) return null;
  const size = matrix.type?.shape?.[0] ?? Number(matrix.tensor?.dims[0] ?? Number.NaN);
  const nodes = typeof size === 'number' && size > 0 ? size : null;
  const rows = fed[0]!.type!.shape!.at(-2)!;
  if (nodes !== null && typeof rows === 'number' && rows !== nodes) return null;
  if (!products.some(besideLinear) || hasNegative(matrix)) return null;
  return { kind: 'adjacency', matrix, nodes };
}

/** Floats [nodes, features] or [1, nodes, features]. */
function holdsFeatures({ type }: Value): boolean {
  const shape = type?.shape;
  return isFloat(type?.elemType ?? 0) && (shape?.length === 2 || (shape?.length === 3 && shape[0] === 1));
}

/**
 * Returns true if embeddings are multiplied by an input from the left, as by an adjacency that is used as it
 * is fed.
 */
export function takesAdjacency(graph: Graph): boolean {
  const fed = new Set(graph.inputs.filter(({ tensor, type }) => !tensor && isSquare(type?.shape)));
  return topologicalOrder(graph).some((node) => {
    const [left, right] = node.inputs;
    if (!isProduct(node) || !left || !right || !fed.has(unmoved(left))) return false;
    return !isConstant(right) && !fed.has(unmoved(right)) && besideLinear(node);
  });
}

const isProduct = (node: Node): boolean =>
  node.is('MatMul') || (node.is('Gemm') && node.int('transA', 0) === 0);

/** A · H with a constant square A [nodes, nodes]. */
function multipliesFromLeft(node: Node, stored: (value: Value) => boolean): boolean {
  const [left, right] = node.inputs;
  if (!isProduct(node) || !left || !right || !stored(left)) return false;
  const shape = left.tensor?.dims ?? left.type?.shape;
  return shape?.length === 2 && shape[0] === shape[1];
}

/** Elements of a matrix that are checked for their sign. */
const CHECKED = 2 ** 16;

/**
 * Returns true if some number at the start of a matrix is below 0, as in a Fourier transform and in no
 * adjacency.
 */
function hasNegative(matrix: Value): boolean {
  const tensor = constantTensor(matrix);
  if (!tensor) return false;
  return readElements(tensor, { start: 0, end: Math.min(CHECKED, elementCount(tensor)) }).some(
    (number) => number < 0,
  );
}

/**
 * Returns true if the right factor comes from a linear layer, or one reads the product: a graph convolution.
 */
function besideLinear(product: Node): boolean {
  const before = linearUpstream(product.inputs[1]!).found.filter(({ normalised }) => !normalised);
  const layers = [...before, ...linearDownstream(product.output)];
  return layers.some(({ neuronAxis }) => neuronAxis === -1);
}
