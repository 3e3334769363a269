import type { Node, Value } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';
import { storedWeight } from './weights.js';

/** y[..., n] = Σ_i x[..., i] · W[i, n] (+ b[n]), whatever operator computes it and however W is stored. */
export interface Linear {
  node: Node;
  /** x [..., inputs] */
  input: Value;
  /** What the operator multiplies by: the weight, perhaps transposed, cast or dequantized. */
  operand: Value;
  /** The tensor as stored. */
  weight: Value;
  /** Axis of `weight` that output neurons index. */
  outAxis: number;
  /** Axis of `weight` that the inputs index; -1 where one axis packs blocks of them (MatMulNBits). */
  inAxis: number;
  /** Incoming weights per output neuron. */
  fanIn: number;
  /** Number of output neurons. */
  neurons: number;
  /** A bias that the operator itself adds. */
  bias: Value | null;
}

/** The multiplication by a stored weight that `node` is, or `null`. */
export function linear(node: Node): Linear | null {
  const layout = operatorOf(node).weight;
  const input = node.input;
  const operand = layout && node.inputs[layout.weight];
  if (!layout || !input || !operand) return null;
  const out = storedWeight(operand, layout.outAxis(node));
  const incoming = storedWeight(operand, layout.inAxis(node));
  if (!out || !incoming) return null;
  const neurons = out.shape[out.axis]!;
  const elements = out.shape.reduce((product, n) => product * n, 1);
  const packed = layout.packed ?? false;
  return {
    node,
    input,
    operand,
    weight: out.value,
    outAxis: out.axis,
    inAxis: packed ? -1 : incoming.axis,
    fanIn: packed ? node.int('K', 0) : Math.round(elements / Math.max(neurons, 1)),
    neurons,
    bias: (layout.bias === undefined ? null : node.inputs[layout.bias]) ?? null,
  };
}
