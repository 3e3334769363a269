import { follow, type Through } from '../graph/follow.js';
import type { Value } from '../graph/graph.js';
import { carriesNeurons, operatorOf } from '../graph/operators.js';
import { type Linear, linearReading } from './linear.js';
import { constantOperand, slicesFromStart } from './operands.js';

/**
 * Returns the linear layers that read the neurons of a value, seen through what keeps neuron n at index n.
 */
export function linearDownstream(value: Value): Linear[] {
  const found: Linear[] = [];
  for (const at of follow(value, 'downstream', keepsNeurons)) {
    for (const use of at.uses) {
      const layer = linearReading(use);
      if (layer) found.push(layer);
    }
  }
  return found;
}

/** Moves, pools, constant scales and shifts, products, and the aggregation of a graph convolution. */
const keepsNeurons: Through = ({ node, input, output }, reached) => {
  if (output !== 0 || linearReading({ node, index: input })) return false;
  if (carriesNeurons(node, input) || (input === 0 && slicesFromStart(node))) return true;
  const { arithmetic } = operatorOf(node);
  if (arithmetic === 'product') return true;
  if (arithmetic === 'sum' && constantOperand(node)) return true;
  // A · H with a computed adjacency A.
  if (node.is('MatMul') && input === 1) return true;
  // (1 + ε)·h + Σ of the neighbours' h, as in a graph isomorphism network: a sum of the neurons themselves.
  return node.is('Add') && node.inputs.every((operand) => operand !== null && reached.has(operand));
};
