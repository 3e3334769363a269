import { constantScalar, constantTensor } from '../graph/constants.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';
import { topologicalOrder } from '../graph/traversal.js';
import { nearestActivation } from './nearest-activation.js';
import { type ActivationMiss, searchRegions } from './search-regions.js';

export type { ActivationMiss } from './search-regions.js';

/** post = f(pre + bias) element by element, where f is the activation function `name`. */
export interface ActivationMatch {
  name: string;
  pre: Value;
  /** The bias that a fused operator adds to `pre` before it applies f. */
  bias: Value | null;
  post: Value;
}

/**
 * Returns every activation function of a graph, in every spelling, in topological order; and the functions
 * that are near to one.
 *
 * A decomposition is a set of element-by-element nodes through which one value x alone, beside constants,
 * determines another value y. Such a set is a function of one number. It is evaluated at some numbers and
 * compared with the formulas of the known functions: it makes no difference which constants were folded,
 * which factor comes first, and which of the many ways to write GELU an exporter chose.
 */
export function findActivations(graph: Graph): { matches: ActivationMatch[]; misses: ActivationMiss[] } {
  const order = topologicalOrder(graph);
  const position = new Map(order.map((node, i) => [node, i]));
  const { matches, misses } = searchRegions(order);
  const all: ActivationMatch[] = [
    ...fusedWithBias(order),
    ...withSlopes(order),
    ...matches.map((match) => ({ ...match, bias: null })),
  ];
  all.sort((a, b) => position.get(a.post.producer!)! - position.get(b.post.producer!)!);
  return { matches: all, misses };
}

/** Operators that add a bias vector and apply an activation function: `BiasGelu(x, bias)`. */
function fusedWithBias(order: readonly Node[]): ActivationMatch[] {
  return order.flatMap((node) => {
    const { addsBefore, formula } = operatorOf(node);
    const pre = node.input;
    const bias = addsBefore && node.inputs[addsBefore];
    if (!pre || !bias || constantScalar(bias) !== null) return [];
    const likeness = nearestActivation((t) => formula!([t], node));
    return likeness ? [{ name: likeness.name, pre, bias, post: node.output }] : [];
  });
}

/** PRelu with a slope for each channel: no function of one number. */
function withSlopes(order: readonly Node[]): ActivationMatch[] {
  return order.flatMap((node) => {
    const [pre, slope] = node.inputs;
    if (!node.is('PRelu') || !pre || !slope || constantScalar(slope) !== null) return [];
    return constantTensor(slope) ? [{ name: 'prelu', pre, bias: null, post: node.output }] : [];
  });
}
