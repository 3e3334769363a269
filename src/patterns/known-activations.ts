import { gelu, geluTanh } from './scalar-ops.js';

/** Largest difference, relative above 1, at which a function still is the known one: fp16 and bf16 constants pass. */
export const ACTIVATION_TOLERANCE = 3e-3;

type ScalarFunction = (t: number) => number;

const sigmoid: ScalarFunction = (t) => 1 / (1 + Math.exp(-t));
const relu: ScalarFunction = (t) => Math.max(t, 0);
const clip =
  (low: number, high: number): ScalarFunction =>
  (t) =>
    Math.min(Math.max(t, low), high);

/** Activation functions as formulas of t; names as PyTorch writes them. */
const fixed: Record<string, ScalarFunction> = {
  relu,
  relu6: clip(0, 6),
  hardtanh: clip(-1, 1),
  relu_squared: (t) => relu(t) ** 2,
  gelu,
  gelu_tanh: geluTanh,
  quick_gelu: (t) => t * sigmoid(1.702 * t),
  gelu_10: (t) => clip(-10, 10)(gelu(t)),
  silu: (t) => t * sigmoid(t),
  mish: (t) => t * Math.tanh(Math.log1p(Math.exp(t))),
  hardswish: (t) => t * clip(0, 1)(t / 6 + 0.5),
  hardsigmoid: (t) => clip(0, 1)(t / 6 + 0.5),
  selu: (t) => 1.0507009873554805 * (t > 0 ? t : 1.6732632423543772 * Math.expm1(t)),
  softplus: (t) => Math.log1p(Math.exp(t)),
  softsign: (t) => t / (1 + Math.abs(t)),
  tanh: Math.tanh,
  sigmoid,
};

/** Families with a parameter p that is read off one value of the function. */
const families: Record<
  string,
  { estimate: (f: ScalarFunction) => number; at: (p: number) => ScalarFunction }
> = {
  leaky_relu: { estimate: (f) => -f(-1), at: (p) => (t) => (t >= 0 ? t : p * t) },
  elu: { estimate: (f) => -f(-30), at: (p) => (t) => (t >= 0 ? t : p * Math.expm1(t)) },
  celu: { estimate: (f) => -f(-60), at: (p) => (t) => relu(t) + Math.min(0, p * Math.expm1(t / p)) },
  swish: { estimate: (f) => Math.log(f(1) / (1 - f(1))), at: (p) => (t) => t * sigmoid(p * t) },
  relu_max: { estimate: (f) => f(1e4), at: (p) => clip(0, p) },
};

/** Points that tell the known functions apart: GELU and its tanh form differ most (4.7e-4) near ±2.7. */
const grid = Array.from({ length: 81 }, (_, i) => -10 + i * 0.25 + (i % 3) * 0.01).concat([12, -12]);

export interface Likeness {
  /** `relu`, `leaky_relu(0.01)`, … */
  name: string;
  /** Largest difference on the grid, relative to max(1, |known|). */
  difference: number;
  /** Where that difference is. */
  at: number;
}

/** The known activation function nearest to `f`; `null` when `f` is affine or not finite (then it is none). */
export function nearestActivation(f: ScalarFunction): Likeness | null {
  const values = grid.map(f);
  if (values.some((v) => !Number.isFinite(v)) || isAffine(values)) return null;
  let best: Likeness | null = null;
  for (const [name, known] of Object.entries(fixed)) best = nearer(best, compare(name, known, values));
  if (best && best.difference <= ACTIVATION_TOLERANCE) return best;
  // Families overlap (ELU and CELU with parameter 1): the first that fits is named.
  for (const [family, { estimate, at }] of Object.entries(families)) {
    const p = estimate(f);
    if (!Number.isFinite(p) || Math.abs(p) > 1e3 || p === 0) continue;
    const likeness = compare(`${family}(${Number(p.toPrecision(3))})`, at(p), values);
    if (likeness.difference <= ACTIVATION_TOLERANCE) return likeness;
    best = nearer(best, likeness);
  }
  return best;
}

function compare(name: string, known: ScalarFunction, values: number[]): Likeness {
  let difference = 0;
  let at = 0;
  for (const [i, t] of grid.entries()) {
    const expected = known(t);
    const d = Math.abs(values[i]! - expected) / Math.max(1, Math.abs(expected));
    if (d > difference) [difference, at] = [d, t];
  }
  return { name, difference, at };
}

function nearer(a: Likeness | null, b: Likeness): Likeness {
  return a && a.difference <= b.difference ? a : b;
}

function isAffine(values: number[]): boolean {
  const [t0, t1] = [grid[0]!, grid[1]!];
  const slope = (values[1]! - values[0]!) / (t1 - t0);
  return grid.every((t, i) => {
    const line = values[0]! + slope * (t - t0);
    return Math.abs(values[i]! - line) <= 1e-6 * Math.max(1, Math.abs(line));
  });
}
