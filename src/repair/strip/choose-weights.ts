/**
 * Which incoming weights of a dead neuron to remove: the most negative ⌈fraction · n⌉, n = its non-zero weights of
 * either sign; only negative ones, so never more than there are (Whitaker & Whitley 2023, "Synaptic Stripping",
 * section III). Ties go to the lower index.
 *
 * @param weights [fanIn].
 * @param means [fanIn], mean of the input of each weight: then most negative is the mean contribution w·E[x] instead
 *   of w, and only weights whose contribution is negative are removed.
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
  // 0.1 · 30 is 3.0000000000000004: what rounding adds is no weight.
  const wanted = Math.ceil(fraction * remaining * (1 - 1e-12));
  const worst = negative.sort((a, b) => scores[a]! - scores[b]! || a - b).slice(0, wanted);
  return worst.sort((a, b) => a - b);
}
