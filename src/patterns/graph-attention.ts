import { constantInts } from '../graph/constants.js';
import { type Crossing, follow, passing } from '../graph/follow.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import type { AttentionMatch } from './attention.js';
import { structural } from './graph-structure.js';
import { resultFrom } from './layer-result.js';
import { linearUpstream } from './linear-upstream.js';
import { isConstant, numberReaders, slicesFromStart } from './operands.js';

/** The graph attentions of a graph. */
export interface GraphAttention {
  matches: AttentionMatch[];
  /**
   * Nodes that compute the α alone. An activation function among them belongs to the attention and is no MLP.
   */
  scoring: Set<Node>;
}

/**
 * Returns every graph attention: out_i = Σ_{j∈N_i} α_ij · W x_j (+ b), where α is a softmax over the
 * neighbours of i (Veličković et al. 2018; GATv2 and the graph transformer sum the same way). There is no
 * output projection. The site is the aggregated output with its bias, heads joined or averaged, and its
 * weight is W.
 *
 * @param projected Softmaxes of other attentions, whose result has a projection of its own.
 */
export function findGraphAttention(graph: Graph, projected: ReadonlySet<Node>): GraphAttention {
  const { values: structure } = structural(graph);
  const order = topologicalOrder(graph);
  const position = new Map(order.map((node, i) => [node, i]));
  const found: GraphAttention = { matches: [], scoring: new Set() };
  for (const node of order) {
    const sum = node.is('Softmax') && !projected.has(node) ? overAdjacency(node, structure) : overEdges(node);
    const projection = sum && linearUpstream(sum.values).found[0];
    if (!projection) continue;
    const { value, averaged } = joinedHeads(sum.sum);
    const result = resultFrom(value, null, null);
    found.matches.push({
      core: node,
      projection,
      result,
      averaged: averaged ? { neurons: headWidth(projection.node.output) } : null,
    });
    for (const scoring of scoringNodes(sum, projection.node, position)) found.scoring.add(scoring);
  }
  return found;
}

/** Σ α · W x: the sum, the α, and the W x [nodes or edges, …]. */
interface WeightedSum {
  sum: Value;
  coefficients: Value;
  values: Value;
}

/** Returns the nodes between W x and the α, without those that the sum's W x is computed by. */
function* scoringNodes(
  { coefficients, values }: WeightedSum,
  projection: Node,
  position: ReadonlyMap<Node, number>,
): Generator<Node> {
  // A node downstream of the projection comes after it, so that no walk leaves the layer.
  const start = position.get(projection)!;
  const inLayer = ({ node }: Crossing): boolean => position.get(node)! > start;
  const embedding = new Set(follow(values, 'upstream', inLayer, Infinity));
  const upstream = [...follow(coefficients, 'upstream', inLayer, Infinity)];
  const reached = new Set<Value>(projection.outputs.filter((output) => output !== null));
  const inOrder = upstream.sort((a, b) => positionOf(a, position) - positionOf(b, position));
  for (const value of inOrder) {
    const node = value.producer;
    if (!node?.inputs.some((input) => input && reached.has(input))) continue;
    reached.add(value);
    if (!embedding.has(value)) yield node;
  }
}

const positionOf = ({ producer }: Value, position: ReadonlyMap<Node, number>): number =>
  (producer && position.get(producer)) ?? -1;

/**
 * A Scatter that adds α · gathered W x; α is written out as exp(e) / Σ exp(e), the sum gathered back to the
 * edges.
 */
function overEdges(node: Node): WeightedSum | null {
  const scatters = /^Scatter(Elements|ND)$/.test(node.opType) && node.string('reduction', 'none') === 'add';
  const product = scatters ? computedBy(node.inputs[2]) : null;
  if (!product?.is('Mul')) return null;
  const index = product.inputs.findIndex(isEdgeSoftmax);
  const [coefficients, values] = [product.inputs[index], product.inputs[1 - index]];
  return coefficients && values ? { sum: node.output, coefficients, values } : null;
}

/** Softmax(scores, masked by an adjacency) · W x. */
function overAdjacency(softmax: Node, structure: ReadonlyMap<Value, boolean>): WeightedSum | null {
  if (!isMaskedByAdjacency(softmax.input, structure)) return null;
  const product = leftFactorOf(softmax.output);
  return product && { sum: product.output, coefficients: softmax.output, values: product.inputs[1]! };
}

/**
 * Returns true if scores [nodes, nodes, …] are masked by what follows from an adjacency or edges. A constant
 * mask counts if the scores are additive, LeakyReLU(a·Wx_i + b·Wx_j), as of no other attention: the adjacency
 * is stored then.
 */
function isMaskedByAdjacency(scores: Value | null, structure: ReadonlyMap<Value, boolean>): boolean {
  const node = computedBy(scores);
  if (!node?.is('Where') && !node?.is('Add')) return false;
  const operands = node.inputs.filter((input) => input !== null);
  if (operands.some((input) => structure.get(input))) return true;
  return (
    node.is('Where') &&
    operands.some((input) => isConstant(input)) &&
    operands.some((input) => computedBy(input)?.is('LeakyRelu'))
  );
}

/** Nodes between the parts of a graph attention, at most. */
const PART_DEPTH = 8;

/** Returns the MatMul that has probabilities as its left factor, moved or transposed. */
function leftFactorOf(probabilities: Value): Node | null {
  const through = (step: Crossing): boolean =>
    passing(step) || (step.node.is('Transpose') && step.input === 0);
  for (const at of follow(probabilities, 'downstream', through, PART_DEPTH)) {
    const product = at.uses.find(({ node, index }) => node.is('MatMul') && index === 0);
    if (product) return product.node;
  }
  return null;
}

/** Returns true for a value [edges, …] that is exp(…) / gathered sum, or a Softmax. */
function isEdgeSoftmax(value: Value | null): boolean {
  const node = computedBy(value);
  if (node?.is('Softmax')) return true;
  return !!node?.is('Div') && !!computedBy(node.input)?.is('Exp');
}

/** Returns the node that computes a value before it is moved or cut. */
function computedBy(value: Value | null | undefined): Node | null {
  if (!value) return null;
  const through = (step: Crossing): boolean =>
    passing(step) || (step.input === 0 && slicesFromStart(step.node));
  let source = value;
  for (source of follow(value, 'upstream', through, PART_DEPTH));
  return source.producer;
}

/**
 * Returns the last size that a projection [..., heads · width] is reshaped to; `null` if the file does not
 * say it.
 */
function headWidth(projected: Value): number | null {
  const shapes = projected.uses.map(({ node }) =>
    node.is('Reshape') ? constantInts(node.inputs[1]!) : null,
  );
  const width = shapes.find((shape) => shape !== null)?.at(-1) ?? 0;
  return width > 0 ? width : null;
}

/** Follows heads to where they are side by side (a Reshape) or averaged. */
function joinedHeads(sum: Value): { value: Value; averaged: boolean } {
  const isMean = (node: Node): boolean => node.is('ReduceMean');
  const through = (step: Crossing): boolean => {
    const { node, input, from } = step;
    if (input !== 0 || numberReaders(from).length !== 1) return false;
    return isMean(node) || passing(step) || node.is('Transpose');
  };
  let value = sum;
  let averaged = false;
  for (value of follow(sum, 'downstream', through)) {
    averaged ||= value !== sum && isMean(value.producer!);
  }
  return { value, averaged };
}
