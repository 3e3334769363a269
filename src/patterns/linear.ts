import type { Node, Value } from '../graph/graph.js';
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

/** Operand positions of the operators that multiply by a weight; axes are those of the operand before storage. */
interface Layout {
  weight: number;
  out: (node: Node) => number;
  in: (node: Node) => number;
  bias?: number;
}

const matmul = { out: () => -1, in: () => -2 };
const gemm = {
  out: (node: Node) => (node.int('transB', 0) ? 0 : 1),
  in: (node: Node) => (node.int('transB', 0) ? 1 : 0),
};

/** https://onnx.ai/onnx/operators/ */
const standard: Record<string, Layout> = {
  MatMul: { weight: 1, ...matmul },
  Gemm: { weight: 1, bias: 2, ...gemm },
  Conv: { weight: 1, bias: 2, out: () => 0, in: () => 1 },
  MatMulInteger: { weight: 1, ...matmul },
  ConvInteger: { weight: 1, out: () => 0, in: () => 1 },
  QLinearMatMul: { weight: 3, ...matmul },
  QLinearConv: { weight: 3, bias: 8, out: () => 0, in: () => 1 },
};

/** https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md */
const microsoft: Record<string, Layout> = {
  FusedMatMul: {
    weight: 1,
    out: (node) => (node.int('transB', 0) ? -2 : -1),
    in: (node) => (node.int('transB', 0) ? -1 : -2),
  },
  MatMulIntegerToFloat: { weight: 1, bias: 6, ...matmul },
  DynamicQuantizeMatMul: { weight: 1, bias: 4, ...matmul },
  MatMulNBits: { weight: 1, bias: 5, out: () => 0, in: () => 1 },
};

/** The multiplication by a stored weight that `node` is, or `null`. */
export function linear(node: Node): Linear | null {
  const layout =
    node.domain === ''
      ? standard[node.opType]
      : node.domain === 'com.microsoft'
        ? microsoft[node.opType]
        : undefined;
  const input = node.input;
  const operand = layout && node.inputs[layout.weight];
  if (!layout || !input || !operand) return null;
  const out = storedWeight(operand, layout.out(node));
  const incoming = storedWeight(operand, layout.in(node));
  if (!out || !incoming) return null;
  const neurons = out.shape[out.axis]!;
  const elements = out.shape.reduce((product, n) => product * n, 1);
  const packed = node.opType === 'MatMulNBits';
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
