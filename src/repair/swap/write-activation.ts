import { floatAttribute, stringAttribute } from '../../graph/attributes.js';
import { Builder } from '../../graph/builder.js';
import type { Graph, Value } from '../../graph/graph.js';
import { makeTensor } from '../../onnx/make-tensor.js';

/** Activation functions that can be written, by their names in PyTorch. */
export const WRITTEN_ACTIVATIONS = [
  'relu',
  'leaky_relu',
  'elu',
  'gelu',
  'gelu_tanh',
  'silu',
  'selu',
  'mish',
  'softplus',
] as const;
export type WrittenActivation = (typeof WRITTEN_ACTIVATIONS)[number];

/** `alpha` unless told otherwise, as in PyTorch. */
export const DEFAULT_ALPHA: Partial<Record<WrittenActivation, number>> = { leaky_relu: 0.01, elu: 1 };

/** Opset from which on a function can be written at all, where that is not always so. */
export const LEAST_OPSET: Partial<Record<WrittenActivation, number>> = { gelu: 9 };

/** How a function is to be written into a graph. */
export interface Spelling {
  graph: Graph;
  opset: number;
  /** Element type of x, which constants must have. */
  elemType: number;
  /** Prefix of the names of all nodes. */
  prefix: string;
  /** Slope of Leaky ReLU below 0; limit of ELU is its negative. */
  alpha?: number | undefined;
}

/**
 * Adds the nodes of f(x), element by element, in the spelling of the opset: one operator where it has one, else its
 * formula (https://onnx.ai/onnx/operators/): Gelu from opset 20 on, Mish from 18 on.
 */
export function writeActivation(name: WrittenActivation, x: Value, spelling: Spelling): Value {
  const { graph, opset, elemType, prefix } = spelling;
  const b = new Builder(graph, opset, prefix);
  const alpha = spelling.alpha ?? DEFAULT_ALPHA[name] ?? 1;
  const number = (value: number): Value =>
    graph.addInitializer(makeTensor(`${prefix}const`, elemType, [], [value]));
  switch (name) {
    case 'relu':
      return b.op('Relu', [x]);
    case 'leaky_relu':
      return b.op('LeakyRelu', [x], { alpha: floatAttribute(alpha) });
    case 'elu':
      return b.op('Elu', [x], { alpha: floatAttribute(alpha) });
    case 'selu':
      return b.op('Selu', [x]);
    case 'softplus':
      return b.op('Softplus', [x]);
    case 'silu':
      return b.op('Mul', [x, b.op('Sigmoid', [x])]);
    case 'mish':
      return opset >= 18 ? b.op('Mish', [x]) : b.op('Mul', [x, b.op('Tanh', [b.op('Softplus', [x])])]);
    case 'gelu': {
      // Hendrycks & Gimpel 2016: x · Φ(x)
      if (opset >= 20) return b.op('Gelu', [x]);
      const erf = b.op('Erf', [b.op('Div', [x, number(Math.SQRT2)])]);
      return b.op('Mul', [b.op('Mul', [x, b.op('Add', [erf, number(1)])]), number(0.5)]);
    }
    case 'gelu_tanh': {
      if (opset >= 20) return b.op('Gelu', [x], { approximate: stringAttribute('tanh') });
      const cube = b.op('Mul', [b.op('Mul', [x, x]), x]);
      const inner = b.op('Add', [x, b.op('Mul', [cube, number(0.044715)])]);
      const tanh = b.op('Tanh', [b.op('Mul', [inner, number(Math.sqrt(2 / Math.PI))])]);
      return b.op('Mul', [b.op('Mul', [x, b.op('Add', [tanh, number(1)])]), number(0.5)]);
    }
  }
}
