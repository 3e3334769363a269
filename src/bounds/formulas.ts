/**
 * Probability that a randomly initialized rectifier network is alive: Rister & Rubin, "Probabilistic bounds on neuron
 * death in deep rectifier networks" (arXiv 2007.06192). It holds for weights and biases that are independent, with
 * densities symmetric about zero. Everything is computed in logarithms, so that neither 2^-n nor a large depth is lost.
 */

/** One rectifier layer, as far as the bounds go. */
export interface RectifierShape {
  /** Neurons: units of a dense layer, feature maps of a convolution. */
  neurons: number;
  /** Weights and biases of the whole layer: if all are negative, non-negative inputs leave nothing alive. */
  parameters: number;
}

export interface LivingBounds {
  /** lower ≤ P(alive) ≤ upper. */
  lower: number;
  upper: number;
  /** 1 − upper and 1 − lower without cancellation: they tell 1 − 10^-40 from 1. */
  deathAtLeast: number;
  deathAtMost: number;
}

/**
 * ∏ (1 − 2^−nⱼ) ≤ P ≤ ∏_{j>1} (1 − 2^−parametersⱼ), over layers 1…k. One data point dies at a layer with probability
 * 2^−n; all of them do when every parameter is negative and the input is the output of a rectifier. O(k).
 */
export function livingBounds(layers: readonly RectifierShape[]): LivingBounds {
  const lower = sum(layers.map(({ neurons }) => logOfNotAll(neurons)));
  const upper = sum(layers.slice(1).map(({ parameters }) => logOfNotAll(parameters)));
  return bounds(lower, upper);
}

/** What a layer of n inputs and n neurons holds: n² weights, n biases. */
export function denseParameters(width: number, bias: boolean): number {
  return width * width + (bias ? width : 0);
}

/**
 * Kernels of a layer of N feature maps, as the paper counts them: N (M² + 1), or N·M² without bias. A convolution whose
 * kernels span all N input maps has `fullKernelParameters`.
 */
export function kernelParameters(maps: number, kernel: number, bias: boolean): number {
  return maps * (kernel * kernel + (bias ? 1 : 0));
}

/** N (N·M² + 1), or N²·M² without bias: N kernels of M × M over N input maps. */
export function fullKernelParameters(maps: number, kernel: number, bias: boolean): number {
  return maps * (maps * kernel * kernel + (bias ? 1 : 0));
}

/** `livingBounds` of `depth` equal layers: (1 − 2^−n)^k ≤ P ≤ (1 − 2^−parameters)^(k−1). O(1), any depth. */
export function uniformBounds({ neurons, parameters }: RectifierShape, depth: number): LivingBounds {
  return bounds(depth * logOfNotAll(neurons), (depth - 1) * logOfNotAll(parameters));
}

/** ℓ(n, k) = (1 − 2^−n)^k: the lower bound, and exactly the probability that one given data point is alive. */
export function pointAlive(width: number, depth: number): number {
  return Math.exp(depth * logOfNotAll(width));
}

/** Equation 9: the width n = −log₂(1 − p^(1/k)), not rounded, at which ℓ(n, k) = p; 0 < p < 1. */
export function exactWidth(depth: number, probability: number): number {
  return -Math.log2(-Math.expm1(Math.log(probability) / depth));
}

/** n(k) = ⌈equation 9⌉, at least 1: the smallest width with ℓ(n, k) ≥ p. */
export function widthFor(depth: number, probability: number): number {
  const exact = exactWidth(depth, probability);
  const nearest = Math.round(exact);
  // p = ½ at depth 1 is width 1, whatever the last bit of the logarithm says.
  const isWhole = Math.abs(exact - nearest) < 1e-12 * Math.max(1, nearest);
  return Math.max(1, isWhole ? nearest : Math.ceil(exact));
}

/** The largest depth with ℓ(n, k) ≥ p, ⌊ln p / ln(1 − 2^−n)⌋; `Infinity` where 2^−n is 0 in double precision. */
export function depthFor(width: number, probability: number): number {
  const exact = Math.log(probability) / logOfNotAll(width);
  const nearest = Math.round(exact);
  return Math.abs(exact - nearest) < 1e-12 * nearest ? nearest : Math.floor(exact);
}

/** ln(1 − 2^−count): not all of `count` symmetric signs are negative. */
function logOfNotAll(count: number): number {
  return Math.log1p(-(2 ** -count));
}

function bounds(logLower: number, logUpper: number): LivingBounds {
  return {
    lower: Math.exp(logLower),
    upper: Math.exp(logUpper),
    deathAtLeast: not(logUpper),
    deathAtMost: not(logLower),
  };
}

/** 1 − e^x, never −0. */
function not(log: number): number {
  return -Math.expm1(log) + 0;
}

/** Kahan's compensated sum: a thousand layers of tiny terms. */
function sum(terms: number[]): number {
  let total = 0;
  let lost = 0;
  for (const term of terms) {
    const corrected = term - lost;
    const next = total + corrected;
    // −∞ (a layer that always dies) stays −∞.
    lost = Number.isFinite(next) ? next - total - corrected : 0;
    total = next;
  }
  return total;
}
