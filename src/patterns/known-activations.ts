import {
  clamp,
  gelu,
  geluTanh,
  hardSwish,
  mish,
  SELU,
  sigmoid,
  softplus,
} from '../graph/operators/formulas.js';

/** A function of one number. */
export type ScalarFunction = (t: number) => number;

/** An activation function, or a family of them with parameters. */
export interface ActivationFunction {
  /** The function's value at t. Parameters follow t. */
  f(t: number, ...parameters: number[]): number;
  /**
   * Reads the parameters of a family off a function that may belong to it, at some of the `SAMPLES` alone.
   * Without it the function has no parameters.
   */
  estimate?(f: ScalarFunction): number[];
  /** Parameters of the member that goes by the family's name alone. */
  usual?: readonly number[];
  /** True if f(t) = 0 exactly where t ≤ 0. */
  rectifier?: true;
  /**
   * The limits that a bounded function comes near to on both sides: a neuron that stays there is saturated.
   */
  range?: readonly [low: number, high: number] | 'parameters';
}

const relu: ScalarFunction = (t) => Math.max(t, 0);

/**
 * Every activation function that the auditor knows, by its name in PyTorch. A new one is one row here: it is
 * found in every spelling, told apart from the others, and counted as a rectifier or as saturated as its row
 * says.
 *
 * Order matters where functions overlap: the first that fits is named, so that ELU comes before CELU.
 */
export const activationFunctions = {
  relu: { f: relu, rectifier: true },
  relu6: { f: (t) => clamp(t, 0, 6), rectifier: true },
  hardtanh: {
    f: (t, low, high) => clamp(t, low!, high!),
    estimate: (f) => [f(-1e4), f(1e4)],
    usual: [-1, 1],
    range: 'parameters',
  },
  relu_squared: { f: (t) => relu(t) ** 2, rectifier: true },
  gelu: { f: gelu },
  gelu_tanh: { f: geluTanh },
  quick_gelu: { f: (t) => t * sigmoid(1.702 * t) },
  gelu_10: { f: (t) => clamp(gelu(t), -10, 10) },
  silu: { f: (t) => t * sigmoid(t) },
  mish: { f: mish },
  hardswish: { f: hardSwish },
  hardsigmoid: {
    f: (t, slope, shift = 0.5) => clamp(slope! * t + shift, 0, 1),
    estimate: (f) => [2 * (f(0.25) - f(-0.25)), ...(Math.abs(f(0) - 0.5) > 1e-3 ? [f(0)] : [])],
    usual: [1 / 6],
    range: [0, 1],
  },
  selu: { f: (t) => SELU.gamma * (t > 0 ? t : SELU.alpha * Math.expm1(t)) },
  softplus: {
    f: (t, slope) => softplus(slope! * t) / slope!,
    estimate: (f) => [Math.LN2 / f(0)],
    usual: [1],
  },
  softsign: { f: (t) => t / (1 + Math.abs(t)), range: [-1, 1] },
  tanh: { f: Math.tanh, range: [-1, 1] },
  sigmoid: { f: sigmoid, range: [0, 1] },
  leaky_relu: { f: (t, slope) => (t >= 0 ? t : slope! * t), estimate: (f) => [-f(-1)] },
  elu: { f: (t, limit) => (t >= 0 ? t : limit! * Math.expm1(t)), estimate: (f) => [-f(-30)] },
  celu: {
    f: (t, limit) => relu(t) + Math.min(0, limit! * Math.expm1(t / limit!)),
    estimate: (f) => [-f(-60)],
  },
  swish: { f: (t, slope) => t * sigmoid(slope! * t), estimate: (f) => [Math.log(f(1) / (1 - f(1)))] },
  relu_max: { f: (t, limit) => clamp(t, 0, limit!), estimate: (f) => [f(1e4)], rectifier: true },
} as const satisfies Record<string, ActivationFunction>;

/** Name of a row of the table of activation functions: `leaky_relu` for `leaky_relu(0.01)`. */
export type ActivationName = keyof typeof activationFunctions;

/**
 * Returns the row of an activation function by the name that a site has for it, e.g. `gelu` or
 * `leaky_relu(0.01)`; `null` for a name without a row (`prelu`, whose slopes differ from channel to channel).
 */
export function activationFunction(name: string): ActivationFunction | null {
  const family = name.replace(/\(.*/, '');
  return Object.hasOwn(activationFunctions, family) ? activationFunctions[family as ActivationName] : null;
}

/** Returns the limits of a bounded activation function by its name; `null` for others. */
export function activationRange(name: string): readonly [low: number, high: number] | null {
  const { range, usual } = activationFunction(name) ?? {};
  if (range !== 'parameters') return range ?? null;
  const parameters = /\((.*)\)/.exec(name);
  const [low, high] = parameters ? parameters[1]!.split(',').map(Number) : usual!;
  return [low!, high!];
}
