import { type ActivationFunction, activationFunctions, type ScalarFunction } from './known-activations.js';

/**
 * Largest difference, relative above 1, at which a function still is the known one: fp16 and bf16 constants
 * pass.
 */
export const ACTIVATION_TOLERANCE = 3e-3;

/** Likeness of a function to a known one. */
export interface Likeness {
  /** The known function: `relu`, `leaky_relu(0.01)`, … */
  name: string;
  /** Largest difference at the compared points, relative to max(1, |known|). */
  difference: number;
  /** The point t of that difference. */
  at: number;
}

/** Points that tell the known functions apart: GELU and its tanh form differ most (4.7e-4) near ±2.7. */
const grid = Array.from({ length: 81 }, (_, i) => -10 + i * 0.25 + (i % 3) * 0.01).concat([12, -12]);

/** Points at which every known function bends: one that fits none of them here fits none on the grid. */
const few = [-12, -2.7, -0.4, 0.4, 2.7, 12];

/** The few points, and those from which the parameters of families are read. */
export const SAMPLES: readonly number[] = [...few, -1e4, -60, -30, -1, -0.25, 0, 0.25, 1, 1e4];

const sampleIndex = new Map(SAMPLES.map((t, i) => [t, i]));

const rows: [string, ActivationFunction][] = Object.entries(activationFunctions);
const families = rows.flatMap(([name, { f, estimate }]) => (estimate ? [{ name, f, estimate }] : []));
const single = rows.flatMap(([name, { f, estimate, usual = [] }]) => {
  if (estimate && usual.length === 0) return [];
  const valuesAt = (points: readonly number[]) => points.map((t) => f(t, ...usual));
  return [{ name, onGrid: valuesAt(grid), onFew: valuesAt(few) }];
});

/** Largest parameter of a family that is believed. */
const LARGEST_PARAMETER = 1e3;

/**
 * Returns the known activation function nearest to `f`; `null` if `f` is affine or not finite, and so is
 * none.
 *
 * @param names Rows of the table to compare with; default: all.
 */
export function nearestActivation(f: ScalarFunction, names?: ReadonlySet<string>): Likeness | null {
  const values = grid.map(f);
  if (!isBent(grid, values)) return null;
  const isCompared = ({ name }: { name: string }): boolean => !names || names.has(name);
  let best: Likeness | null = null;
  for (const { name, onGrid } of single.filter(isCompared))
    best = nearer(best, compare(name, onGrid, values));
  if (best && best.difference <= ACTIVATION_TOLERANCE) return best;
  for (const { name, f: member, estimate } of families.filter(isCompared)) {
    const parameters = estimate(f);
    if (!areBelieved(parameters)) continue;
    const known = grid.map((t) => member(t, ...parameters));
    const likeness = compare(
      `${name}(${parameters.map((p) => Number(p.toPrecision(3))).join()})`,
      known,
      values,
    );
    if (likeness.difference <= ACTIVATION_TOLERANCE) return likeness;
    best = nearer(best, likeness);
  }
  return best;
}

/**
 * Returns the names of the rows that a function may be, by a look at a few points; `null` for a function that
 * is affine or not finite.
 *
 * @param values The function at the `SAMPLES`.
 */
export function possibleActivations(values: readonly number[]): ReadonlySet<string> | null {
  if (!isBent(few, values)) return null;
  const fits = (known: (i: number) => number): boolean =>
    few.every((_, i) => differenceOf(values[i]!, known(i)) <= ACTIVATION_TOLERANCE);
  const found = new Set<string>();
  for (const { name, onFew } of single) if (fits((i) => onFew[i]!)) found.add(name);
  const f: ScalarFunction = (t) => values[sampleIndex.get(t) ?? Number.NaN] ?? Number.NaN;
  for (const { name, f: member, estimate } of families) {
    const parameters = estimate(f);
    if (areBelieved(parameters) && fits((i) => member(few[i]!, ...parameters))) found.add(name);
  }
  return found;
}

function areBelieved(parameters: readonly number[]): boolean {
  return parameters.every((p) => Number.isFinite(p) && Math.abs(p) <= LARGEST_PARAMETER && p !== 0);
}

function compare(name: string, known: readonly number[], values: readonly number[]): Likeness {
  let difference = 0;
  let at = 0;
  for (const [i, t] of grid.entries()) {
    const d = differenceOf(values[i]!, known[i]!);
    if (d > difference) [difference, at] = [d, t];
  }
  return { name, difference, at };
}

const differenceOf = (value: number, known: number): number =>
  Math.abs(value - known) / Math.max(1, Math.abs(known));

function nearer(a: Likeness | null, b: Likeness): Likeness {
  return a && a.difference <= b.difference ? a : b;
}

/** Returns true if values are finite and lie on no line. */
function isBent(points: readonly number[], values: readonly number[]): boolean {
  const slope = (values[1]! - values[0]!) / (points[1]! - points[0]!);
  let bent = false;
  for (const [i, t] of points.entries()) {
    if (!Number.isFinite(values[i]!)) return false;
    const line = values[0]! + slope * (t - points[0]!);
    if (Math.abs(values[i]! - line) > 1e-6 * Math.max(1, Math.abs(line))) bent = true;
  }
  return bent;
}
