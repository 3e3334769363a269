import type { Graph, Node, Value } from '../graph/graph.js';
import { passesNumbers } from '../graph/operators.js';
import { topologicalOrder } from '../graph/traversal.js';
import { structural } from './graph-structure.js';
import { linear } from './linear.js';
import { constantOperand, isConstant } from './pass.js';

/** What a graph model leaves to whoever feeds it the structure. */
export interface StructureNeeds {
  /** It does not make every node its own neighbour. */
  selfLoops: boolean;
  /** It does not divide by degrees. */
  normalised: boolean;
}

/**
 * Whether a model adds self loops and divides by degrees itself, looked up in what it computes from its structure alone:
 * the inputs named like edges or an adjacency, constants, and shapes.
 *
 * A sum or mean over an adjacency, or a Scatter that adds weights per node, are degrees. A Scatter that sets a diagonal, or
 * a Concat of the edge list with numbers made up from the number of nodes, are self loops. A layer A·H + f(H) (GraphSAGE,
 * GIN, GraphConv) has its own term for the node itself and wants the plain structure.
 */
export function graphNeeds(graph: Graph): StructureNeeds {
  const { values, nodes } = structural(graph);
  const degrees = nodes.some((node) => sumsWeights(node, values));
  const loops = nodes.some((node) => addsDiagonal(node) || joinsLoops(node, values));
  const root = hasOwnTerm(graph, values);
  return { selfLoops: !loops && !root, normalised: !degrees && !root };
}

/** Degrees: a sum over the adjacency, or of edge weights by node. */
function sumsWeights(node: Node, values: Map<Value, boolean>): boolean {
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

/** [edges, loops]: along the edges an operand joins that no edge is behind. */
function joinsLoops(node: Node, values: Map<Value, boolean>): boolean {
  if (!node.is('Concat')) return false;
  const axis = node.int('axis', 0);
  const along = axis === 1 || axis === -1;
  return along && node.inputs.some((input) => input !== null && !values.get(input!));
}

/** Whether every product of the structure with embeddings H is added to a function of the same H. */
function hasOwnTerm(graph: Graph, values: Map<Value, boolean>): boolean {
  const products = topologicalOrder(graph).filter((node) => {
    const [left, right] = node.inputs;
    return node.is('MatMul') && left && right && values.get(left) && !values.has(right) && !isConstant(right);
  });
  return products.length > 0 && products.every(addsSelf);
}

/** A·H + f(H), f being scales and linear layers. */
function addsSelf(product: Node): boolean {
  const origin = origins(product.inputs[1]!);
  const visit = (at: Value, steps: number): boolean =>
    steps > 0 &&
    at.uses.some(({ node, index }) => {
      if (node.is('Add') && !constantOperand(node)) {
        const other = node.inputs[1 - index];
        return !!other && [...origins(other)].some((value) => origin.has(value));
      }
      const passes = passesRows(node, index);
      return passes && node.outputs[0] ? visit(node.outputs[0], steps - 1) : false;
    });
  return visit(product.output, 8);
}

/** A value and those it is a linear function of, row by row. */
function origins(value: Value, steps = 8): Set<Value> {
  const found = new Set([value]);
  const node = value.producer;
  if (!node || steps === 0) return found;
  const source = node.inputs.findIndex(
    (input, index) => input && !isConstant(input) && passesRows(node, index),
  );
  if (source >= 0) for (const one of origins(node.inputs[source]!, steps - 1)) found.add(one);
  return found;
}

/** Whether a node applies a constant scale, a bias or a linear layer to input `index`, row by row. */
function passesRows(node: Node, index: number): boolean {
  if (index === 0 && (passesNumbers(node) || linear(node))) return true;
  if (node.is('Div') && index === 0) return true;
  return (node.is('Mul') || node.is('Add')) && constantOperand(node) !== null;
}
