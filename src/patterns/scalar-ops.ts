import type { Node } from '../graph/graph.js';

/**
 * Operators that act on each element by itself, as functions of scalars: what is needed to run an activation
 * function's subgraph on one number. Semantics: https://onnx.ai/onnx/operators/ and, for `com.microsoft`,
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
 */
type ScalarOp = (args: number[], node: Node) => number;

const sigmoid = (t: number): number => 1 / (1 + Math.exp(-t));
const bool = (b: boolean): number => (b ? 1 : 0);
const softplus = (t: number): number => (t > 30 ? t : Math.log1p(Math.exp(t)));
const clamp = (t: number, low: number, high: number): number => Math.min(Math.max(t, low), high);

/** erf by Abramowitz and Stegun 7.1.26 is only good to 1e-7; enough here, where 3e-3 decides. */
export function erf(t: number): number {
  const u = 1 / (1 + 0.3275911 * Math.abs(t));
  const poly =
    ((((1.061405429 * u - 1.453152027) * u + 1.421413741) * u - 0.284496736) * u + 0.254829592) * u;
  return Math.sign(t) * (1 - poly * Math.exp(-t * t));
}

export const gelu = (t: number): number => 0.5 * t * (1 + erf(t / Math.SQRT2));
export const geluTanh = (t: number): number =>
  0.5 * t * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (t + 0.044715 * t ** 3)));

const standard: Record<string, ScalarOp> = {
  Identity: ([a]) => a!,
  Cast: ([a]) => a!,
  Dropout: ([a]) => a!,
  QuantizeLinear: ([a]) => a!,
  DequantizeLinear: ([a]) => a!,
  Neg: ([a]) => -a!,
  Abs: ([a]) => Math.abs(a!),
  Sign: ([a]) => Math.sign(a!),
  Exp: ([a]) => Math.exp(a!),
  Log: ([a]) => Math.log(a!),
  Sqrt: ([a]) => Math.sqrt(a!),
  Reciprocal: ([a]) => 1 / a!,
  Erf: ([a]) => erf(a!),
  Tanh: ([a]) => Math.tanh(a!),
  Sigmoid: ([a]) => sigmoid(a!),
  Softplus: ([a]) => softplus(a!),
  Softsign: ([a]) => a! / (1 + Math.abs(a!)),
  Relu: ([a]) => Math.max(a!, 0),
  LeakyRelu: ([a], node) => (a! >= 0 ? a! : node.float('alpha', 0.01) * a!),
  PRelu: ([a, slope]) => (a! >= 0 ? a! : slope! * a!),
  ThresholdedRelu: ([a], node) => (a! > node.float('alpha', 1) ? a! : 0),
  Elu: ([a], node) => (a! >= 0 ? a! : node.float('alpha', 1) * Math.expm1(a!)),
  Celu: ([a], node) => {
    const alpha = node.float('alpha', 1);
    return Math.max(0, a!) + Math.min(0, alpha * Math.expm1(a! / alpha));
  },
  Selu: ([a], node) => {
    const alpha = node.float('alpha', 1.6732632423543772);
    return node.float('gamma', 1.0507009873554805) * (a! > 0 ? a! : alpha * Math.expm1(a!));
  },
  Gelu: ([a], node) => (node.string('approximate', 'none') === 'tanh' ? geluTanh(a!) : gelu(a!)),
  Swish: ([a], node) => a! * sigmoid(node.float('alpha', 1) * a!),
  Mish: ([a]) => a! * Math.tanh(softplus(a!)),
  HardSigmoid: ([a], node) => clamp(node.float('alpha', 0.2) * a! + node.float('beta', 0.5), 0, 1),
  HardSwish: ([a]) => a! * clamp(a! / 6 + 0.5, 0, 1),
  Clip: ([a, low, high], node) =>
    clamp(a!, low ?? node.float('min', -Infinity), high ?? node.float('max', Infinity)),
  Add: ([a, b]) => a! + b!,
  Sub: ([a, b]) => a! - b!,
  Mul: ([a, b]) => a! * b!,
  Div: ([a, b]) => a! / b!,
  Pow: ([a, b]) => a! ** b!,
  Min: (args) => Math.min(...args),
  Max: (args) => Math.max(...args),
  Sum: (args) => args.reduce((total, a) => total + a, 0),
  Greater: ([a, b]) => bool(a! > b!),
  GreaterOrEqual: ([a, b]) => bool(a! >= b!),
  Less: ([a, b]) => bool(a! < b!),
  LessOrEqual: ([a, b]) => bool(a! <= b!),
  Equal: ([a, b]) => bool(a === b),
  Not: ([a]) => bool(!a),
  And: ([a, b]) => bool(Boolean(a && b)),
  Or: ([a, b]) => bool(Boolean(a || b)),
  IsNaN: ([a]) => bool(Number.isNaN(a)),
  Where: ([condition, a, b]) => (condition ? a! : b!),
};

const microsoft: Record<string, ScalarOp> = {
  Gelu: ([a]) => gelu(a!),
  FastGelu: ([a]) => geluTanh(a!),
  QuickGelu: ([a], node) => a! * sigmoid(node.float('alpha', 1.702) * a!),
  QuantizeLinear: ([a]) => a!,
  DequantizeLinear: ([a]) => a!,
};

/** The inputs that are read as numbers; the others (scales, ratios, seeds) do not change what the node means here. */
const passThrough = new Set(['Identity', 'Cast', 'Dropout', 'QuantizeLinear', 'DequantizeLinear']);

/** The scalar function of a node, or `null` when it does not act on each element by itself. */
export function scalarOp(node: Node): ScalarOp | null {
  if (node.domain === '') return standard[node.opType] ?? null;
  return node.domain === 'com.microsoft' ? (microsoft[node.opType] ?? null) : null;
}

/** Number of leading inputs that are operands of the scalar function. */
export function operandCount(node: Node): number {
  return passThrough.has(node.opType) ? 1 : node.inputs.length;
}
