import { constantTensor } from '../graph/constants.js';
import { unmoved } from '../graph/follow.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import { isFloat } from '../onnx/data-types.js';
import { elementCount, readElements } from '../onnx/tensors.js';
import { linearAfter } from './after.js';
import { linearBehind } from './behind.js';
import { edgeAggregations } from './edge-aggregation.js';
import { isSquare, structural } from './graph-structure.js';
import { isConstant } from './pass.js';
import { signature } from './stored-nodes.js';

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
      /** As in `EdgeAggregation`. */
      from: Value;
      to: Value;
      /** [nodes, …]: as many rows as there are nodes. */
      rows: Value;
    };

/**
 * The graph that a model stores, whose only input are the features [nodes, features] (or [1, nodes, features]): a constant
 * square matrix that all of its layers multiply embeddings with from the left, in a model that also multiplies them with
 * weights from the right, and that holds nothing below 0; or constant lists of node numbers that it gathers by and adds by.
 * `null` when it stores none, or several.
 */
export function storedGraph(graph: Graph): StoredGraph | null {
  const fed = graph.inputs.filter(({ tensor }) => !tensor);
  if (fed.length !== 1 || !holdsFeatures(fed[0]!)) return null;
  const { values } = structural(graph);
  const stored = (value: Value): boolean => value.tensor !== null || values.get(value) === false;
  const lists = edgeAggregations(graph).filter(
    ({ from, to, features }) => stored(from) && stored(to) && !values.has(features),
  );
  if (new Set(lists.map(signature)).size > 1) return null;
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

/** Whether an input is multiplied with embeddings from the left, as an adjacency is that a model does not change first. */
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
  const before = linearBehind(product.inputs[1]!).found.filter(({ normalised }) => !normalised);
  const layers = [...before, ...linearAfter(product.output)];
  return layers.some(({ node }) => !node.opType.includes('Conv'));
}
