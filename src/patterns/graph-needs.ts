import { type Crossing, follow } from '../graph/follow.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { operatorOf, passesNumbers } from '../graph/operators.js';
import { topologicalOrder } from '../graph/traversal.js';
import { structural } from './graph-structure.js';
import { linearReading } from './linear.js';
import { constantOperand, isConstant } from './operands.js';

/** Steps that a graph model leaves to whoever feeds it the structure. */
export interface StructureNeeds {
  /** True if the model does not make every node its own neighbour. */
  selfLoops: boolean;
  /** True if the model does not divide by degrees. */
  normalised: boolean;
}

/**
 * Returns what a model needs of the structure that it is fed, read off what it computes from its structure
 * alone: the inputs named like edges or an adjacency, constants, and shapes.
 *
 * A sum or mean over an adjacency, or a Scatter that adds weights per node, are degrees. A Scatter that sets
 * a diagonal, or a Concat of the edge list with numbers made of the number of nodes, are self loops. A layer
 * A·H + f(H) (GraphSAGE, GIN, GraphConv) has its own term for the node itself, and wants the plain structure.
 */
export function graphNeeds(graph: Graph): StructureNeeds {
  const { values, nodes } = structural(graph);
  const degrees = nodes.some((node) => sumsWeights(node, values));
  const loops = nodes.some((node) => addsDiagonal(node) || joinsLoops(node, values));
  const root = hasOwnTerm(graph, values);
  return { selfLoops: !loops && !root, normalised: !degrees && !root };
}

/** Degrees: a sum over the adjacency, or of edge weights by node. */
function sumsWeights(node: Node, values: ReadonlyMap<Value, boolean>): boolean {
  if (/^Reduce(Sum|Mean|L1)$/.test(node.opType)) return true;
  const adds = /^Scatter(Elements|ND)$/.test(node.opType) && node.string('reduction', 'none') === 'add';
  return adds && node.inputs[2] !== null && values.has(node.inputs[2]!);
}

/** The diagonal of a dense adjacency, set in place or added. */
function addsDiagonal(node: Node): boolean {
  const scatters = /^Scatter(Elements|ND)$/.test(node.opType) && node.string('reduction', 'none') === 'none';
  const eye = node.is('Add') && node.inputs.some((input) => input?.producer?.is('EyeLike'));
  return scatters || eye;
}

/** [edges, loops]: an operand that no edge is upstream of joins along the edges. */
function joinsLoops(node: Node, values: ReadonlyMap<Value, boolean>): boolean {
  if (!node.is('Concat')) return false;
  const axis = node.int('axis', 0);
  const along = axis === 1 || axis === -1;
  return along && node.inputs.some((input) => input !== null && !values.get(input!));
}

/** Returns true if every product of the structure with embeddings H is added to a function of the same H. */
function hasOwnTerm(graph: Graph, values: ReadonlyMap<Value, boolean>): boolean {
  const products = topologicalOrder(graph).filter((node) => {
    const [left, right] = node.inputs;
    return node.is('MatMul') && left && right && values.get(left) && !values.has(right) && !isConstant(right);
  });
  return products.length > 0 && products.every(addsSelf);
}

/** Nodes between a product A·H and the addition of f(H), at most. */
const OWN_TERM_DEPTH = 8;

/** A·H + f(H), f being scales and linear layers. */
function addsSelf(product: Node): boolean {
  const origin = new Set(origins(product.inputs[1]!));
  for (const at of follow(product.output, 'downstream', passesRows, OWN_TERM_DEPTH)) {
    for (const { node, index } of at.uses) {
      const other = node.is('Add') && !constantOperand(node) ? node.inputs[1 - index] : null;
      if (other && [...origins(other)].some((value) => origin.has(value))) return true;
    }
  }
  return false;
}

/** A value and those that it is a linear function of, row by row. */
const origins = (value: Value): Iterable<Value> =>
  follow(value, 'upstream', (step) => !isConstant(step.to) && passesRows(step), OWN_TERM_DEPTH);

/** The node applies a constant scale, a bias or a linear layer, row by row. */
function passesRows({ node, input, output }: Crossing): boolean {
  if (output !== 0) return false;
  if (passesNumbers(node, input) || linearReading({ node, index: input })) return true;
  if (node.is('Div') && input === 0) return true;
  return operatorOf(node).arithmetic !== undefined && !node.is('Sub') && constantOperand(node) !== null;
}
