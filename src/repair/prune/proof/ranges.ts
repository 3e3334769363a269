/**
 * Ranges of the neurons of a tensor: low[n] ≤ a ≤ high[n] for every value a that neuron n has, at any
 * position and for any input on which the model computes finite numbers. One element stands for all neurons.
 */
export interface Ranges {
  low: Float64Array;
  high: Float64Array;
  /** 1 for a neuron that always has one and the same value. It lies in the range, which may be wider. */
  isConstant: Uint8Array;
}

export type Interval = readonly [low: number, high: number];

/**
 * Relative error of a computed number: more than float32, TF32, float16 and bfloat16 make in one operation.
 * Ranges are widened by it, and never across zero: rounding keeps the sign.
 */
export const SLACK = 2 ** -8;

/** Numbers nearer to zero than this may be flushed to zero. */
const SMALLEST = 2 ** -120;

export const UNBOUNDED: Interval = [-Infinity, Infinity];

/** Makes ranges from intervals; neurons whose interval is one number are constant. */
export function rangesOf(width: number, intervalAt: (neuron: number) => Interval): Ranges {
  const ranges: Ranges = {
    low: new Float64Array(width),
    high: new Float64Array(width),
    isConstant: new Uint8Array(width),
  };
  for (let n = 0; n < width; n++) {
    const [low, high] = intervalAt(n);
    const isKnown = !Number.isNaN(low) && !Number.isNaN(high);
    ranges.low[n] = isKnown ? low : -Infinity;
    ranges.high[n] = isKnown ? high : Infinity;
    ranges.isConstant[n] = low === high && Number.isFinite(low) ? 1 : 0;
  }
  return ranges;
}

/** Makes one range for all neurons. */
export const uniform = (interval: Interval): Ranges => rangesOf(1, () => interval);

/** Returns the range of one neuron. */
export function intervalAt({ low, high }: Ranges, neuron: number): Interval {
  const index = low.length === 1 ? 0 : neuron;
  return [low[index]!, high[index]!];
}

export function isConstantAt({ isConstant }: Ranges, neuron: number): boolean {
  return isConstant[isConstant.length === 1 ? 0 : neuron] === 1;
}

export const widthOf = ({ low }: Ranges): number => low.length;

/** Returns true if no neuron has a limit on either side. */
export function isUnbounded({ low, high }: Ranges): boolean {
  return low.every((value) => value === -Infinity) && high.every((value) => value === Infinity);
}

/** Returns the range that holds all neurons, as one range. It is constant only for a single neuron. */
export function hull(ranges: Ranges): Ranges {
  if (widthOf(ranges) === 1) return ranges;
  return uniform([
    ranges.low.reduce((a, b) => Math.min(a, b), Infinity),
    ranges.high.reduce((a, b) => Math.max(a, b), -Infinity),
  ]);
}

/** Returns ranges that hold the values of both. `null` if their widths do not fit. */
export function union(a: Ranges, b: Ranges): Ranges | null {
  const width = commonWidth([a, b]);
  if (width === null) return null;
  return rangesOf(width, (n) => {
    const [[la, ha], [lb, hb]] = [intervalAt(a, n), intervalAt(b, n)];
    return [Math.min(la, lb), Math.max(ha, hb)];
  });
}

/** Returns the width of operands that are broadcast against each other; `null` if they do not fit. */
export function commonWidth(all: readonly Ranges[]): number | null {
  const widths = new Set(all.map(widthOf).filter((width) => width !== 1));
  return widths.size > 1 ? null : ([...widths][0] ?? 1);
}

/**
 * Widens ranges by the error of one operation. Constant neurons stay constant: their one value is computed
 * alike.
 */
export function widened(ranges: Ranges): Ranges {
  return {
    low: ranges.low.map((value) => outward(value, -1)),
    high: ranges.high.map((value) => outward(value, 1)),
    isConstant: ranges.isConstant,
  };
}

/** Moves a bound down (direction -1) or up (1) by the slack, not across zero. */
export function outward(value: number, direction: -1 | 1, slack = SLACK): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const pointsAway = value > 0 === direction > 0;
  if (!pointsAway && Math.abs(value) < SMALLEST) return 0;
  return value * (pointsAway ? 1 + slack : 1 - slack);
}

/** Multiplies; 0 · ∞ is 0, since a bound of ∞ stands for large finite numbers. */
export const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

export function product([la, ha]: Interval, [lb, hb]: Interval): Interval {
  const corners = [times(la, lb), times(la, hb), times(ha, lb), times(ha, hb)];
  return [Math.min(...corners), Math.max(...corners)];
}

/** Returns the range of a computed sum: each term is widened by the error of the computation. */
export function sumOf(terms: readonly Interval[]): Interval {
  return [
    terms.reduce((sum, [low]) => sum + outward(low, -1), 0),
    terms.reduce((sum, [, high]) => sum + outward(high, 1), 0),
  ];
}
