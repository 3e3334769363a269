import {
  clamp,
  erf,
  gelu,
  geluTanh,
  hardSwish,
  mish,
  roundEven,
  SELU,
  sigmoid,
  softplus,
} from './formulas.js';
import { conv, matMul, transposable } from './layouts.js';
import type { Operator } from './operator.js';

const bool = (b: boolean): number => (b ? 1 : 0);

/** Numbers pass; as a function of one number the operator is the identity. */
const pass: Operator = { passes: [0], formula: ([a]) => a!, operands: 1, rises: true };
/** Numbers pass in another shape. */
const reshape: Operator = { passes: [0], placement: 'reshape' };
const keep: Operator = { keeps: [0] };
const reduce: Operator = { keeps: [0], placement: 'reduce' };
const pool: Operator = { keeps: [0], perChannel: [] };
const random: Operator = { random: true };

/** The operators of the standard domain, https://onnx.ai/onnx/operators/. */
export const standard: Record<string, Operator> = {
  // Numbers pass.
  Identity: pass,
  Cast: pass,
  CastLike: pass,
  Dropout: pass,
  QuantizeLinear: pass,
  DequantizeLinear: pass,
  DynamicQuantizeLinear: { passes: [0] },
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Expand: { passes: [0], placement: 'expand' },

  // Neurons are kept, numbers are picked, joined or scaled by constants.
  Transpose: { keeps: [0], placement: 'transpose' },
  Gather: { keeps: [0], placement: 'gather' },
  GatherND: { keeps: [0], placement: 'gather-nd' },
  GatherElements: { keeps: [0], placement: 'gather-elements' },
  // Updates are written into the data: neurons are the last axis of both.
  ScatterElements: { keeps: [0, 2], placement: 'scatter-elements' },
  ScatterND: { keeps: [0, 2], placement: 'scatter-nd' },
  Pad: { keeps: [0], placement: 'pad' },
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  Resize: keep,
  Upsample: keep,
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: pool,
  GlobalMaxPool: pool,
  BatchNormalization: { keeps: [0], perChannel: [1, 2, 3, 4] },

  // Tensors are made, joined or taken apart; which neurons stand where depends on the axis.
  ConstantOfShape: { placement: 'fill' },
  Concat: { placement: 'concat' },
  Slice: { placement: 'slice' },
  Split: { placement: 'split' },

  // Normalisations by the data itself: neuron n stays at n, but all neurons have a part in it.
  LayerNormalization: { normalises: 'last axis', affine: { scale: 1, shift: 2 } },
  RMSNormalization: { normalises: 'last axis', affine: { scale: 1 } },
  SimplifiedLayerNormalization: { normalises: 'last axis', affine: { scale: 1 } },
  InstanceNormalization: { normalises: 'channels', perChannel: [1, 2] },
  GroupNormalization: { normalises: 'channels' },

  // All neurons have a part in each result, which is bounded.
  Softmax: { bounds: [0, 1] },
  LogSoftmax: { bounds: [-Infinity, 0] },

  // Multiplications by a weight.
  MatMul: { weight: matMul },
  Gemm: { weight: { ...transposable, bias: 2 } },
  Conv: { weight: { ...conv, bias: 2 } },
  MatMulInteger: { weight: { ...matMul, zeroPoint: 3, quantized: 'sums' } },
  ConvInteger: { weight: { ...conv, zeroPoint: 3, quantized: 'sums' } },
  QLinearMatMul: { weight: { ...matMul, weight: 3, scale: 4, zeroPoint: 5, quantized: 'codes' } },
  QLinearConv: { weight: { ...conv, weight: 3, scale: 4, zeroPoint: 5, bias: 8, quantized: 'codes' } },

  Attention: { attention: true },

  // Functions of each element by itself.
  Add: { formula: ([a, b]) => a! + b!, arithmetic: 'sum', rises: true },
  Sub: { formula: ([a, b]) => a! - b!, arithmetic: 'sum' },
  Sum: { formula: (all) => all.reduce((total, a) => total + a, 0), arithmetic: 'sum', rises: true },
  Mul: { formula: ([a, b]) => a! * b!, arithmetic: 'product' },
  Div: { formula: ([a, b]) => a! / b!, arithmetic: 'product' },
  Neg: { formula: ([a]) => -a! },
  Abs: { formula: ([a]) => Math.abs(a!), bounds: [0, Infinity] },
  Sign: { formula: ([a]) => Math.sign(a!), rises: true },
  Exp: { formula: ([a]) => Math.exp(a!), bounds: [0, Infinity] },
  Log: { formula: ([a]) => Math.log(a!) },
  Sqrt: { formula: ([a]) => Math.sqrt(a!), rises: true, bounds: [0, Infinity] },
  Reciprocal: { formula: ([a]) => 1 / a! },
  Pow: { formula: ([a, b]) => a! ** b! },
  Erf: { formula: ([a]) => erf(a!), bounds: [-1, 1] },
  Sin: { formula: ([a]) => Math.sin(a!), bounds: [-1, 1] },
  Cos: { formula: ([a]) => Math.cos(a!), bounds: [-1, 1] },
  Floor: { formula: ([a]) => Math.floor(a!), rises: true },
  Ceil: { formula: ([a]) => Math.ceil(a!), rises: true },
  Round: { formula: ([a]) => roundEven(a!), rises: true },
  Mod: { formula: ([a, b], node) => (node.int('fmod', 0) ? a! % b! : a! - b! * Math.floor(a! / b!)) },
  Min: { formula: (all) => Math.min(...all), rises: true },
  Max: { formula: (all) => Math.max(...all), rises: true },
  Clip: {
    formula: ([a, low, high], node) =>
      clamp(a!, low ?? node.float('min', -Infinity), high ?? node.float('max', Infinity)),
    rises: true,
  },
  Greater: { formula: ([a, b]) => bool(a! > b!), bounds: [0, 1] },
  GreaterOrEqual: { formula: ([a, b]) => bool(a! >= b!), bounds: [0, 1] },
  Less: { formula: ([a, b]) => bool(a! < b!), bounds: [0, 1] },
  LessOrEqual: { formula: ([a, b]) => bool(a! <= b!), bounds: [0, 1] },
  Equal: { formula: ([a, b]) => bool(a === b), bounds: [0, 1] },
  Not: { formula: ([a]) => bool(!a), bounds: [0, 1] },
  And: { formula: ([a, b]) => bool(Boolean(a && b)), bounds: [0, 1] },
  Or: { formula: ([a, b]) => bool(Boolean(a || b)), bounds: [0, 1] },
  Xor: { formula: ([a, b]) => bool(Boolean(a) !== Boolean(b)), bounds: [0, 1] },
  IsNaN: { formula: ([a]) => bool(Number.isNaN(a)), bounds: [0, 1] },
  IsInf: { formula: ([a]) => bool(Math.abs(a!) === Infinity), bounds: [0, 1] },
  Where: { formula: ([condition, a, b]) => (condition ? a! : b!) },

  // Activation functions.
  Relu: { formula: ([a]) => Math.max(a!, 0), rises: true },
  LeakyRelu: {
    formula: ([a], node) => (a! >= 0 ? a! : node.float('alpha', 0.01) * a!),
    rises: (node) => node.float('alpha', 0.01) >= 0,
  },
  PRelu: { formula: ([a, slope]) => (a! >= 0 ? a! : slope! * a!) },
  ThresholdedRelu: {
    formula: ([a], node) => (a! > node.float('alpha', 1) ? a! : 0),
    rises: (node) => node.float('alpha', 1) >= 0,
  },
  Elu: { formula: ([a], node) => (a! >= 0 ? a! : node.float('alpha', 1) * Math.expm1(a!)) },
  Celu: {
    formula: ([a], node) => {
      const alpha = node.float('alpha', 1);
      return Math.max(0, a!) + Math.min(0, alpha * Math.expm1(a! / alpha));
    },
  },
  Selu: {
    formula: ([a], node) =>
      node.float('gamma', SELU.gamma) * (a! > 0 ? a! : node.float('alpha', SELU.alpha) * Math.expm1(a!)),
  },
  Gelu: {
    formula: ([a], node) => (node.string('approximate', 'none') === 'tanh' ? geluTanh(a!) : gelu(a!)),
    bounds: [-0.18, Infinity],
  },
  Swish: { formula: ([a], node) => a! * sigmoid(node.float('alpha', 1) * a!) },
  Mish: { formula: ([a]) => mish(a!), bounds: [-0.31, Infinity] },
  HardSigmoid: {
    formula: ([a], node) => clamp(node.float('alpha', 0.2) * a! + node.float('beta', 0.5), 0, 1),
    rises: (node) => node.float('alpha', 0.2) >= 0,
    bounds: [0, 1],
  },
  HardSwish: { formula: ([a]) => hardSwish(a!), bounds: [-0.375, Infinity] },
  Sigmoid: { formula: ([a]) => sigmoid(a!), bounds: [0, 1] },
  Tanh: { formula: ([a]) => Math.tanh(a!), bounds: [-1, 1] },
  Softplus: { formula: ([a]) => softplus(a!), bounds: [0, Infinity] },
  Softsign: { formula: ([a]) => a! / (1 + Math.abs(a!)), bounds: [-1, 1] },

  // Results differ from run to run.
  RandomNormal: random,
  RandomNormalLike: random,
  RandomUniform: random,
  RandomUniformLike: random,
  Multinomial: random,
  Bernoulli: random,
};
