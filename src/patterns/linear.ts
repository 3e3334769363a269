import type { Node, Use, Value } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';
import { storedAxis, storedWeight } from './weights.js';

/** y[..., n] = Σ_i x[..., i] · W[i, n] (+ b[n]), whatever operator computes it and however W is stored. */
export interface Linear {
  node: Node;
  /** x [..., inputs] */
  input: Value;
  /** The factor of the operator: the weight, perhaps transposed, cast or dequantized. */
  operand: Value;
  /** The tensor as stored. */
  weight: Value;
  /** Axis of `weight` that counts the output neurons. */
  outAxis: number;
  /** Axis of `weight` that counts the inputs; -1 if one axis packs blocks of them (MatMulNBits). */
  inAxis: number;
  /** Axis of the operator's input and output that counts neurons: -1, or 1 in a convolution. */
  neuronAxis: -1 | 1;
  /** Incoming weights per output neuron. */
  fanIn: number;
  /** Number of output neurons. */
  neurons: number;
  /** A bias that the operator itself adds. */
  bias: Value | null;
}

/**
 * Returns the multiplication by a stored weight that reads a node's input as its x; `null` for other inputs.
 */
export function linearReading({ node, index }: Use): Linear | null {
  return operatorOf(node).weight?.input === index ? linear(node) : null;
}

/** Returns the multiplication by a stored weight that a node is; `null` for other nodes. */
export function linear(node: Node): Linear | null {
  const layout = operatorOf(node).weight;
  const input = layout && node.inputs[layout.input];
  const operand = layout && node.inputs[layout.weight];
  if (!layout || !input || !operand) return null;
  const stored = storedWeight(operand);
  const outAxis = stored && storedAxis(stored, layout.outAxis(node));
  const inAxis = stored && storedAxis(stored, layout.inAxis(node));
  if (!stored || outAxis === null || inAxis === null) return null;
  const neurons = stored.shape[outAxis]!;
  const elements = stored.shape.reduce((product, size) => product * size, 1);
  return {
    node,
    input,
    operand,
    weight: stored.value,
    outAxis,
    inAxis: layout.packed ? -1 : inAxis,
    neuronAxis: layout.neuronAxis,
    fanIn: layout.packed ? node.int('K', 0) : Math.round(elements / Math.max(neurons, 1)),
    neurons,
    bias: (layout.bias === undefined ? null : node.inputs[layout.bias]) ?? null,
  };
}
