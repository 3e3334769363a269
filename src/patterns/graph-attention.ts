import { constantInts } from '../graph/constants.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { passesNumbers } from '../graph/operators.js';
import { reachableBackward, reachableForward, topologicalOrder } from '../graph/traversal.js';
import { resultFrom } from './after.js';
import type { AttentionMatch } from './attention.js';
import { linearBehind } from './behind.js';
import { structural } from './graph-structure.js';
import { isConstant, slicesFromStart } from './pass.js';

/**
 * Graph attention: out_i = Σ_{j∈N_i} α_ij · W x_j (+ b), α being a softmax over the neighbours of i (Veličković et al. 2018; GATv2
 * and the graph transformer sum the same way). There is no output projection: what is read is the aggregated output with its
 * bias, heads joined or averaged, and the weight behind it is W.
 *
 * @param elsewhere Softmaxes that are taken: their result has a projection of its own.
 */
export function findGraphAttention(graph: Graph, elsewhere: ReadonlySet<Node>): GraphAttention {
  const { values: structure } = structural(graph);
  const found: GraphAttention = { matches: [], scoring: new Set() };
  for (const node of topologicalOrder(graph)) {
    const core =
      node.is('Softmax') && !elsewhere.has(node) ? overAdjacency(node, structure) : overEdges(node);
    const projection = core && linearBehind(core.values).found[0];
    if (!projection) continue;
    const { value, averaged } = joinedHeads(core.sum);
    const result = resultFrom(value, null, null);
    found.matches.push({
      ...{ core: node, projection, result },
      averaged: averaged ? { neurons: headWidth(projection.node.output) } : null,
    });
    for (const between of scoringNodes(core, projection.node)) found.scoring.add(between);
  }
  return found;
}

/** What lies between W x and the α, without what W x is computed from. */
function scoringNodes({ coefficients, values }: WeightedSum, projection: Node): Node[] {
  const embedding = reachableBackward([values]);
  const after = reachableForward(projection.outputs.filter((output) => output !== null));
  return [...reachableBackward([coefficients])].filter((node) => after.has(node) && !embedding.has(node));
}

export interface GraphAttention {
  matches: AttentionMatch[];
  /** What computes the α alone: an activation function in there belongs to the attention and is no MLP. */
  scoring: Set<Node>;
}

/** Σ α · W x: the sum, the α, and the W x [nodes or edges, …]. */
interface WeightedSum {
  sum: Value;
  coefficients: Value;
  values: Value;
}

/** A Scatter that adds α · gathered W x; α is written out as exp(e) / Σ exp(e), with the sum gathered back to the edges. */
function overEdges(node: Node): WeightedSum | null {
  const scatters = /^Scatter(Elements|ND)$/.test(node.opType) && node.string('reduction', 'none') === 'add';
  const product = scatters ? producerBefore(node.inputs[2]) : null;
  if (!product?.is('Mul')) return null;
  const index = product.inputs.findIndex(isEdgeSoftmax);
  const [coefficients, values] = [product.inputs[index], product.inputs[1 - index]];
  return coefficients && values ? { sum: node.output, coefficients, values } : null;
}

/** Softmax(scores, masked by an adjacency) · W x. */
function overAdjacency(softmax: Node, structure: ReadonlyMap<Value, boolean>): WeightedSum | null {
  if (!maskedByAdjacency(softmax.input, structure)) return null;
  const product = leftFactorOf(softmax.output);
  return product && { sum: product.output, coefficients: softmax.output, values: product.inputs[1]! };
}

/**
 * Whether scores [nodes, nodes, …] were masked by what follows from an adjacency or edges; or by a constant condition, and are additive,
 * LeakyReLU(a·Wx_i + b·Wx_j), which no other attention is: then the adjacency is stored.
 */
function maskedByAdjacency(scores: Value | null, structure: ReadonlyMap<Value, boolean>): boolean {
  const node = producerBefore(scores);
  if (!node?.is('Where') && !node?.is('Add')) return false;
  const operands = node.inputs.filter((input) => input !== null);
  if (operands.some((input) => structure.get(input))) return true;
  return (
    node.is('Where') &&
    operands.some((input) => isConstant(input)) &&
    operands.some((input) => producerBefore(input)?.is('LeakyRelu'))
  );
}

/** The MatMul that probabilities are the left factor of, behind moves and transpositions. */
function leftFactorOf(probabilities: Value, steps = 8): Node | null {
  if (steps === 0) return null;
  for (const { node, index } of probabilities.uses) {
    if (node.is('MatMul') && index === 0) return node;
    const passes = index === 0 && (passesNumbers(node) || node.is('Transpose'));
    const found = passes ? leftFactorOf(node.output, steps - 1) : null;
    if (found) return found;
  }
  return null;
}

/** Whether a value [edges, …] is exp(…) / gathered sum, or a Softmax. */
function isEdgeSoftmax(value: Value | null): boolean {
  const node = producerBefore(value);
  if (node?.is('Softmax')) return true;
  return !!node?.is('Div') && !!producerBefore(node.input)?.is('Exp');
}

/** The node that computes a value, seen through moves. */
function producerBefore(value: Value | null | undefined): Node | null {
  let node = value?.producer ?? null;
  for (let steps = 0; node && steps < 8; steps++) {
    if (!passesNumbers(node) && !slicesFromStart(node)) return node;
    node = node.input?.producer ?? null;
  }
  return node;
}

/** The last size that a projection [..., heads · width] is reshaped to; `null` where the file does not say it. */
function headWidth(projected: Value): number | null {
  const shapes = projected.uses.map(({ node }) =>
    node.is('Reshape') ? constantInts(node.inputs[1]!) : null,
  );
  const width = shapes.find((shape) => shape !== null)?.at(-1) ?? 0;
  return width > 0 ? width : null;
}

/** Heads side by side (a Reshape) or averaged. */
function joinedHeads(value: Value, averaged = false): { value: Value; averaged: boolean } {
  const uses = value.uses.filter(({ node }) => !node.is('Shape') && !node.is('Size'));
  const [use] = uses;
  if (!use || uses.length !== 1 || use.index !== 0) return { value, averaged };
  const mean = use.node.is('ReduceMean');
  const passes = mean || passesNumbers(use.node) || use.node.is('Transpose');
  return passes ? joinedHeads(use.node.output, averaged || mean) : { value, averaged };
}
