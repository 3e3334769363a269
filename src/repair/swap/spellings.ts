import { floatAttribute, stringAttribute } from '../../graph/attributes.js';
import { Builder } from '../../graph/builder.js';
import type { Graph, Value } from '../../graph/graph.js';
import { makeTensor } from '../../onnx/make-tensor.js';
import type { ActivationName } from '../../patterns/known-activations.js';

/** Spelling of a function in a graph. */
interface Spelling {
  /** Adds the nodes of f(x), element by element; `constant` makes a number of x's element type. */
  write(b: Builder, x: Value, constant: (value: number) => Value, alpha: number): Value;
  /**
   * Value of the function's parameter unless it is set, as in PyTorch; absent where there is no parameter.
   */
  alpha?: number;
  /** Opset from which on the function can be written; absent where it always can. */
  leastOpset?: number;
}

/**
 * Functions that can be written, by their names in PyTorch. Each is one operator where the opset has one,
 * else its formula (https://onnx.ai/onnx/operators/): Gelu from opset 20 on, Mish from 18 on. Another
 * function is one row.
 */
const spellings = {
  relu: { write: (b, x) => b.op('Relu', [x]) },
  leaky_relu: {
    alpha: 0.01,
    write: (b, x, _, alpha) => b.op('LeakyRelu', [x], { alpha: floatAttribute(alpha) }),
  },
  elu: { alpha: 1, write: (b, x, _, alpha) => b.op('Elu', [x], { alpha: floatAttribute(alpha) }) },
  gelu: { leastOpset: 9, write: gelu },
  gelu_tanh: { write: geluTanh },
  silu: { write: (b, x) => b.op('Mul', [x, b.op('Sigmoid', [x])]) },
  selu: { write: (b, x) => b.op('Selu', [x]) },
  mish: {
    write: (b, x) =>
      b.opset >= 18 ? b.op('Mish', [x]) : b.op('Mul', [x, b.op('Tanh', [b.op('Softplus', [x])])]),
  },
  softplus: { write: (b, x) => b.op('Softplus', [x]) },
} as const satisfies Partial<Record<ActivationName, Spelling>>;

export type WrittenActivation = keyof typeof spellings;
export const WRITTEN_ACTIVATIONS = Object.keys(spellings) as WrittenActivation[];

/** Returns what a function's spelling says besides its nodes. */
export function spellingOf(name: WrittenActivation): Pick<Spelling, 'alpha' | 'leastOpset'> {
  const spelling: Spelling = spellings[name];
  return spelling;
}

/** Place of an activation function in a graph. */
export interface WritePlace {
  graph: Graph;
  opset: number;
  /** Element type of x. */
  elemType: number;
  /** Start of the names of all nodes. */
  prefix: string;
}

/** Adds the nodes of f(x) to a graph. `alpha` is the function's parameter; `null`: its default. */
export function writeActivation(
  name: WrittenActivation,
  alpha: number | null,
  x: Value,
  { graph, opset, elemType, prefix }: WritePlace,
): Value {
  const spelling: Spelling = spellings[name];
  const constant = (value: number): Value =>
    graph.addInitializer(makeTensor(`${prefix}const`, elemType, [], [value]));
  return spelling.write(new Builder(graph, opset, prefix), x, constant, alpha ?? spelling.alpha ?? 1);
}

/** x · Φ(x) (Hendrycks & Gimpel 2016), where Φ(x) = (1 + erf(x / √2)) / 2. */
function gelu(b: Builder, x: Value, constant: (value: number) => Value): Value {
  if (b.opset >= 20) return b.op('Gelu', [x]);
  const erf = b.op('Erf', [b.op('Div', [x, constant(Math.SQRT2)])]);
  return b.op('Mul', [b.op('Mul', [x, b.op('Add', [erf, constant(1)])]), constant(0.5)]);
}

/** The approximation x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2 of the same paper. */
function geluTanh(b: Builder, x: Value, constant: (value: number) => Value): Value {
  if (b.opset >= 20) return b.op('Gelu', [x], { approximate: stringAttribute('tanh') });
  const cube = b.op('Mul', [b.op('Mul', [x, x]), x]);
  const inner = b.op('Add', [x, b.op('Mul', [cube, constant(0.044715)])]);
  const tanh = b.op('Tanh', [b.op('Mul', [inner, constant(Math.sqrt(2 / Math.PI))])]);
  return b.op('Mul', [b.op('Mul', [x, b.op('Add', [tanh, constant(1)])]), constant(0.5)]);
}
