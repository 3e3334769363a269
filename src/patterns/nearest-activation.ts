import { type ActivationFunction, activationFunctions, type ScalarFunction } from './known-activations.js';

/** Largest difference, relative above 1, at which a function still is the known one: fp16 and bf16 constants pass. */
export const ACTIVATION_TOLERANCE = 3e-3;

/** How near a function is to a known one. */
export interface Likeness {
  /** The known function: `relu`, `leaky_relu(0.01)`, … */
  name: string;
  /** Largest difference at the compared points, relative to max(1, |known|). */
  difference: number;
  /** The point t of that difference. */
  at: number;
}

/** Largest parameter of a family that is believed. */
const LARGEST_PARAMETER = 1e3;

/** Points that tell the known functions apart: GELU and its tanh form differ most (4.7e-4) near ±2.7. */
const grid = Array.from({ length: 81 }, (_, i) => -10 + i * 0.25 + (i % 3) * 0.01).concat([12, -12]);

/** Points at which every known function bends: one that fits none of them here fits none on the grid. */
const few = [-12, -2.7, -0.4, 0.4, 2.7, 12];

const rows: [string, ActivationFunction][] = Object.entries(activationFunctions);
const families = rows.filter(([, { estimate }]) => estimate);

/** Returns the known activation function nearest to `f`; `null` if `f` is affine or not finite, and so is none. */
export const nearestActivation = comparison(grid);

/** Returns the same from a few points, which rule out most functions at little cost. */
export const roughLikeness = comparison(few);

function comparison(points: readonly number[]): (f: ScalarFunction) => Likeness | null {
  const single = rows
    .filter(([, { estimate, usual }]) => !estimate || usual)
    .map(([name, { f, usual = [] }]) => ({ name, known: points.map((t) => f(t, ...usual)) }));
  return (f) => {
    const values = points.map(f);
    if (values.some((v) => !Number.isFinite(v)) || isAffine(points, values)) return null;
    let best: Likeness | null = null;
    for (const { name, known } of single) best = nearer(best, compare(name, points, known, values));
    if (best && best.difference <= ACTIVATION_TOLERANCE) return best;
    for (const [family, { estimate, f: member }] of families) {
      const parameters = estimate!(f);
      if (!parameters.every((p) => Number.isFinite(p) && Math.abs(p) <= LARGEST_PARAMETER && p !== 0))
        continue;
      const name = `${family}(${parameters.map((p) => Number(p.toPrecision(3))).join()})`;
      const known = points.map((t) => member(t, ...parameters));
      const likeness = compare(name, points, known, values);
      if (likeness.difference <= ACTIVATION_TOLERANCE) return likeness;
      best = nearer(best, likeness);
    }
    return best;
  };
}

function compare(
  name: string,
  points: readonly number[],
  known: readonly number[],
  values: readonly number[],
): Likeness {
  let difference = 0;
  let at = 0;
  for (const [i, t] of points.entries()) {
    const d = Math.abs(values[i]! - known[i]!) / Math.max(1, Math.abs(known[i]!));
    if (d > difference) [difference, at] = [d, t];
  }
  return { name, difference, at };
}

function nearer(a: Likeness | null, b: Likeness): Likeness {
  return a && a.difference <= b.difference ? a : b;
}

function isAffine(points: readonly number[], values: readonly number[]): boolean {
  const slope = (values[1]! - values[0]!) / (points[1]! - points[0]!);
  return points.every((t, i) => {
    const line = values[0]! + slope * (t - points[0]!);
    return Math.abs(values[i]! - line) <= 1e-6 * Math.max(1, Math.abs(line));
  });
}
