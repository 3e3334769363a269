/**
 * Chooses which incoming weights of a dead neuron to remove: the most negative ⌈fraction · n⌉, where n counts
 * its non-zero weights of either sign (Whitaker & Whitley 2023, "Synaptic Stripping", section III). Only
 * negative weights are chosen, so there may be fewer. Ties go to the lower index.
 *
 * @param weights [fanIn].
 * @param means [fanIn], mean of the input of each weight. With means the most negative mean contributions
 *   w·E[x] are chosen in place of the most negative w.
 * @returns Indices of `weights`, increasing.
 */
export function weightsToStrip(
  weights: ArrayLike<number>,
  fraction: number,
  means: ArrayLike<number> | null = null,
): number[] {
  const negative: number[] = [];
  const scores = new Float64Array(weights.length);
  let remaining = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (weight !== 0) remaining++;
    scores[i] = means ? weight * means[i]! : weight;
    if (scores[i]! < 0) negative.push(i);
  }
  // 0.1 · 30 is 3.0000000000000004 in floating point, which asks for 3 weights, not 4.
  const wanted = Math.ceil(fraction * remaining * (1 - 1e-12));
  const worst = negative.sort((a, b) => scores[a]! - scores[b]! || a - b).slice(0, wanted);
  return worst.sort((a, b) => a - b);
}
