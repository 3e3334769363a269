import type { Node } from '../graph.js';

/**
 * What the auditor knows of one operator. A field that is left out says no: an operator without a row, or
 * with an empty one, mixes neurons. Inputs are named by their index, and "the output" is the first one.
 *
 * A neuron is one index of the last axis, or of axis 1 (a channel) around a convolution. An operator
 * - passes neurons if the numbers of an input come out unchanged, only placed, typed or quantized otherwise
 *   (Reshape, Cast);
 * - keeps neurons if neuron n of the output depends on no other neuron of that input than n (Relu, MaxPool,
 *   Transpose);
 * - mixes neurons otherwise (MatMul, Softmax).
 */
export interface Operator {
  /** Inputs whose numbers the operator passes. It keeps them, too. */
  passes?: readonly number[];
  /** Inputs whose neurons the operator keeps, beside those that it passes and the operands of `formula`. */
  keeps?: readonly number[];
  /** The operator acts on each element by itself, and this is its function: see `ScalarFormula`. */
  formula?: ScalarFormula;
  /** Number of leading inputs that are operands of `formula`; all inputs where it is left out. */
  operands?: number;
  /** True if the result of `formula` never falls when an operand rises, as in Relu or Add. */
  rises?: true | ((node: Node) => boolean);
  /** Least and largest result, whatever the operands are: Sigmoid has [0, 1]. */
  bounds?: readonly [low: number, high: number];
  /** The operand that a fused operator adds to input 0 before it applies its function (BiasGelu). */
  addsBefore?: number;
  /**
   * Way in which the operator places elements of its inputs elsewhere; left out where each stays in its
   * place.
   */
  placement?: Placement;
  /** A sum or a product, element by element: a constant operand is a bias, or a scale. */
  arithmetic?: 'sum' | 'product';
  /** Inputs that hold one number for each channel (axis 1 of input 0). */
  perChannel?: readonly number[];
  /** The operator normalises by the data's own mean or deviation, along the last axis or in each channel. */
  normalises?: 'last axis' | 'channels';
  /**
   * Inputs with the scale and the shift of a normalisation over the n neurons of the last axis. Whatever the data are,
   * |output| ≤ √n · |scale| + |shift|.
   */
  affine?: { scale: number; shift?: number };
  /** The operator adds a sub-layer's result to the residual stream, and normalises the sum. */
  residual?: ResidualLayout;
  /** The operator multiplies by a weight, if that input is stored in the file. */
  weight?: WeightLayout;
  /** The operator is a fused attention: its output is softmax(Q·Kᵀ)·V. */
  attention?: true;
  /** The operator's results differ from run to run. */
  random?: true;
}

/**
 * Ways of placing elements: in another shape, with axes in another order, repeated to a shape, one constant
 * filled to a shape, picked or written by indices, padded, summed (averaged, …) over axes, joined, and taken
 * in part.
 */
export type Placement =
  | 'reshape'
  | 'transpose'
  | 'expand'
  | 'fill'
  | 'gather'
  | 'gather-nd'
  | 'gather-elements'
  | 'scatter-nd'
  | 'scatter-elements'
  | 'pad'
  | 'reduce'
  | 'concat'
  | 'slice'
  | 'split';

/**
 * The function of an operator that acts on each element by itself, on one element of each operand. An operand
 * that the file leaves out is `undefined`. Booleans are 0 and 1.
 */
export type ScalarFormula = (operands: number[], node: Node) => number;

/** Operands of y[…, n] = Σᵢ x[…, i] · W[i, n] + b[n], where x is input `input` and y the output. */
export interface WeightLayout {
  /** Input that holds x. */
  input: number;
  /** Input that holds W. */
  weight: number;
  /** Axis of W that counts the outputs n. Negative axes count from the end. */
  outAxis(node: Node): number;
  /** Axis of W that counts the inputs i. */
  inAxis(node: Node): number;
  /** Axis of x and y that counts the neurons: -1, or 1 in a convolution. */
  neuronAxis: -1 | 1;
  /** Input that holds b. */
  bias?: number;
  /** Input that holds the scale of quantized codes W: a number, or one for each output. */
  scale?: number;
  /** Input that holds the zero point of quantized codes W: a number, or one for each output. */
  zeroPoint?: number;
  /**
   * What a quantized operator puts out: integer sums that a later node scales (MatMulInteger), numbers
   * (MatMulIntegerToFloat), or codes with a scale of their own (QLinearMatMul). Its x are codes, too, or
   * become codes.
   */
  quantized?: 'sums' | 'numbers' | 'codes';
  /**
   * W packs blocks of inputs of one output, [outputs, blocks, bytes]: attributes `K`, `bits` and `block_size`
   * say how.
   */
  packed?: true;
}

/** Inputs and outputs of an operator that computes normalise(a + b + bias). */
export interface ResidualLayout {
  /** The two inputs that are added: a sub-layer's result and the residual stream, in either order. */
  addends: readonly [number, number];
  /** Input that holds the bias. */
  bias: number;
  /** Output that holds the sum before the normalisation. */
  sum: number;
}
