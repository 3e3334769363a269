/**
 * Bounds on the probability that a randomly initialized rectifier network is alive: Rister & Rubin,
 * "Probabilistic bounds on neuron death in deep rectifier networks" (arXiv 2007.06192). They hold for weights
 * and biases that are independent, with densities symmetric about zero. Everything is computed in logarithms:
 * neither 2^−n nor a depth of 10^12 is lost to rounding.
 */

/** One rectifier layer, as far as the bounds go. */
export interface LayerShape {
  /** Units of a dense layer, feature maps of a convolution. */
  neurons: number;
  /** Weights and biases of the whole layer. If all are negative, non-negative inputs leave no unit alive. */
  parameters: number;
}

export interface LivingBounds {
  /** lower ≤ P(alive) ≤ upper. */
  lower: number;
  upper: number;
  /** 1 − upper and 1 − lower without cancellation: they tell 1 − 10^−40 from 1. */
  deathAtLeast: number;
  deathAtMost: number;
}

/**
 * Bounds a network of any layers: ∏ (1 − 2^−nⱼ) ≤ P ≤ ∏_{j>1} (1 − 2^−parametersⱼ). One data point dies at a
 * layer with probability 2^−n. All points die at a layer whose parameters are all negative, if its input
 * comes from a rectifier, so the first layer does not count. O(layers).
 */
export function livingBounds(layers: readonly LayerShape[]): LivingBounds {
  const lower = compensatedSum(layers.map(({ neurons }) => logNotAllNegative(neurons)));
  const upper = compensatedSum(layers.slice(1).map(({ parameters }) => logNotAllNegative(parameters)));
  return fromLogarithms(lower, upper);
}

/** Bounds `depth` equal layers: (1 − 2^−n)^k ≤ P ≤ (1 − 2^−parameters)^(k−1). O(1) for any depth. */
export function uniformBounds({ neurons, parameters }: LayerShape, depth: number): LivingBounds {
  return fromLogarithms(depth * logNotAllNegative(neurons), (depth - 1) * logNotAllNegative(parameters));
}

/** Returns n² weights and n biases: the parameters of a dense layer of n inputs and n units. */
export function denseParameters(width: number, bias: boolean): number {
  return width * width + (bias ? width : 0);
}

/**
 * Returns N²M² weights and N biases: the parameters of N kernels of M × M that span N input maps, as `Conv`
 * has them.
 */
export function convolutionParameters(maps: number, kernel: number, bias: boolean): number {
  return maps * (maps * kernel * kernel + (bias ? 1 : 0));
}

/**
 * Returns N·M² weights and N biases: what equation 22 of the paper counts, kernels that read one input map
 * each.
 */
export function oneMapParameters(maps: number, kernel: number, bias: boolean): number {
  return maps * (kernel * kernel + (bias ? 1 : 0));
}

/**
 * Returns ℓ(n, k) = (1 − 2^−n)^k: the lower bound, and exactly the probability that one fixed data point is
 * alive.
 */
export function pointAlive(width: number, depth: number): number {
  return Math.exp(depth * logNotAllNegative(width));
}

/** Returns the width n = −log₂(1 − p^(1/k)) at which ℓ(n, k) = p, not rounded (equation 9). For 0 < p < 1. */
export function exactWidth(depth: number, probability: number): number {
  return -Math.log2(-Math.expm1(Math.log(probability) / depth));
}

/** Returns n(k) = ⌈equation 9⌉, at least 1: the smallest width with ℓ(n, k) ≥ p. */
export function widthFor(depth: number, probability: number): number {
  const exact = exactWidth(depth, probability);
  const nearest = Math.round(exact);
  // p = ½ at depth 1 is width 1, whatever the last bit of the logarithm says.
  const isWhole = Math.abs(exact - nearest) < 1e-12 * Math.max(1, nearest);
  return Math.max(1, isWhole ? nearest : Math.ceil(exact));
}

/**
 * Returns the largest depth with ℓ(n, k) ≥ p: ⌊ln p / ln(1 − 2^−n)⌋. `Infinity` where 2^−n is 0 in double
 * precision, that is from width 1,075 on.
 */
export function depthFor(width: number, probability: number): number {
  const exact = Math.log(probability) / logNotAllNegative(width);
  const nearest = Math.round(exact);
  return Math.abs(exact - nearest) < 1e-12 * nearest ? nearest : Math.floor(exact);
}

/**
 * Returns ln(1 − 2^−count): the logarithm of the probability that not all of `count` symmetric numbers are
 * negative.
 */
function logNotAllNegative(count: number): number {
  return Math.log1p(-(2 ** -count));
}

function fromLogarithms(logLower: number, logUpper: number): LivingBounds {
  return {
    lower: Math.exp(logLower),
    upper: Math.exp(logUpper),
    deathAtLeast: complement(logUpper),
    deathAtMost: complement(logLower),
  };
}

/** Returns 1 − e^x, never −0. */
function complement(log: number): number {
  return -Math.expm1(log) + 0;
}

/** Adds terms with Kahan's compensation: a thousand layers have tiny terms. */
function compensatedSum(terms: number[]): number {
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
