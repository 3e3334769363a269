import { type Crossing, follow, passing } from '../graph/follow.js';
import type { Node, Value } from '../graph/graph.js';
import { carriesNeurons, operatorOf } from '../graph/operators.js';
import { constantOperand } from './operands.js';

/** x + f(x): where a sub-layer's result is added to the residual stream. */
export interface ResidualAdd {
  node: Node;
  /** The stream x, as it enters the addition. */
  stream: Value;
  /** The stream as it leaves: the sum, before any normalisation of it that is a node of its own. */
  sum: Value;
}

/** Nodes between a sub-layer's result and the addition, at most. */
const RESIDUAL_DEPTH = 24;

/**
 * Returns the addition of a sub-layer's result to the residual stream, seen through moves, scales,
 * normalisation and routing; `null` if there is none.
 *
 * @param activations Inputs of activation functions: beyond one of these lies another layer.
 */
export function residualAdd(result: Value, activations: ReadonlySet<Value>): ResidualAdd | null {
  if (activations.has(result)) return null;
  const through = (step: Crossing): boolean => mayLieBetween(step) && !activations.has(step.to);
  for (const at of follow(result, 'downstream', through, RESIDUAL_DEPTH)) {
    for (const { node, index } of at.uses) {
      const stream = node.inputs[1 - index];
      const sum = sumOf(node, index);
      if (sum && stream && stream !== at) return { node, stream, sum };
    }
  }
  return null;
}

/** Returns the output that holds the sum of two computed inputs, one of which is input `index`. */
function sumOf(node: Node, index: number): Value | null {
  const { residual } = operatorOf(node);
  if (residual)
    return residual.addends.includes(index) ? (node.outputs[residual.sum] ?? node.outputs[0]!) : null;
  return node.is('Add') && !constantOperand(node) ? (node.outputs[0] ?? null) : null;
}

function mayLieBetween({ node, input, output }: Crossing): boolean {
  const { arithmetic, normalises, residual } = operatorOf(node);
  if (output !== 0 || residual) return false;
  if (carriesNeurons(node, input) || arithmetic || normalises) return true;
  return node.domain === '' && between.has(node.opType);
}

/** Parts of a normalisation that is written out, and of the routing to experts and back. */
const between = new Set([
  'Pow',
  'Sqrt',
  'Reciprocal',
  'ScatterND',
  'ScatterElements',
  'Where',
  'Slice',
  'Concat',
]);

/**
 * Returns the other operands of additions that read a sum: the stream itself if two sub-layers were added
 * first (parallel residual).
 */
export function addedTo(sum: Value): Value[] {
  return sum.uses.flatMap(({ node, index }) => {
    const adds = node.is('Add') || operatorOf(node).residual?.addends.includes(index);
    const other = adds ? node.inputs[1 - index] : null;
    return other ? [other] : [];
  });
}

/**
 * Returns the addition of two computed tensors right upstream of a value, seen through moves and constants.
 */
export function additionUpstream(value: Value): Node | null {
  const through = (step: Crossing): boolean =>
    passing(step) ||
    (step.node.is('BatchNormalization') && step.input === 0) ||
    (step.node.is('Add') && constantOperand(step.node)?.other === step.to);
  for (const { producer } of follow(value, 'upstream', through, RESIDUAL_DEPTH)) {
    if (producer?.is('Add') && !constantOperand(producer)) return producer;
  }
  return null;
}
