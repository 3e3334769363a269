import { gelu, geluTanh, sigmoid } from './formulas.js';
import { matMul, transposable } from './layouts.js';
import type { Operator } from './operator.js';

/** Numbers pass; as a function of one number the operator is the identity. */
const pass: Operator = { passes: [0], formula: ([a]) => a!, operands: 1 };
const attention: Operator = { attention: true };

/**
 * ONNX Runtime's own operators, domain `com.microsoft`,
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
 */
export const microsoft: Record<string, Operator> = {
  QuantizeLinear: pass,
  DequantizeLinear: pass,

  Gelu: { formula: ([a]) => gelu(a!), bounds: [-0.18, Infinity] },
  QuickGelu: { formula: ([a], node) => a! * sigmoid(node.float('alpha', 1.702) * a!) },
  BiasGelu: { formula: ([a, bias]) => gelu(a! + (bias ?? 0)), addsBefore: 1, bounds: [-0.18, Infinity] },
  FastGelu: { formula: ([a, bias]) => geluTanh(a! + (bias ?? 0)), addsBefore: 1, bounds: [-0.18, Infinity] },

  SkipLayerNormalization: {
    residual: { addends: [0, 1], bias: 4, sum: 3 },
    affine: { scale: 2, shift: 3 },
  },
  SkipSimplifiedLayerNormalization: {
    residual: { addends: [0, 1], bias: 3, sum: 3 },
    affine: { scale: 2 },
  },

  FusedMatMul: { weight: transposable },
  MatMulIntegerToFloat: {
    weight: { ...matMul, scale: 3, zeroPoint: 5, bias: 6, quantized: 'numbers' },
  },
  DynamicQuantizeMatMul: {
    weight: { ...matMul, scale: 2, zeroPoint: 3, bias: 4, quantized: 'numbers' },
  },
  MatMulNBits: {
    weight: { ...matMul, scale: 2, zeroPoint: 3, bias: 5, outAxis: () => 0, inAxis: () => 1, packed: true },
  },

  Attention: attention,
  MultiHeadAttention: attention,
  GroupQueryAttention: attention,
  PackedAttention: attention,
  PackedMultiHeadAttention: attention,
  DecoderMaskedMultiHeadAttention: attention,
  DecoderMaskedSelfAttention: attention,
  QAttention: attention,
  SparseAttention: attention,
};
