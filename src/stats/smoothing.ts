import { effectiveRank } from './effective-rank.js';

/**
 * Sums over the nodes and edges of a graph, from which all over-smoothing measures of an embedding X [nodes,
 * features] are computed. `(i, j)` runs over ordered pairs of neighbours, each once and without self loops,
 * so an undirected edge is two pairs. All in float64.
 */
export interface SmoothingSums {
  nodes: number;
  /** Number of ordered pairs (i, j). */
  pairs: number;
  /** [features], mean row. */
  mean: Float64Array;
  /** Σ_i ‖X_i − mean‖² */
  squaredDeviations: number;
  /** Σ_(i,j) ‖X_i − X_j‖² */
  energy: number;
  /** Σ_(i,j) ‖X_i/√(1 + d_i) − X_j/√(1 + d_j)‖², d being the number of neighbours. */
  degreeEnergy: number;
  /** Σ_(i,j) (1 − cos(X_i, X_j)); a zero row is like other zero rows (0) and unlike all else (1). */
  cosineDistance: number;
  /** Number of entries of X that are exactly zero. */
  zeros: number;
  /** XᵀX [features, features], row-major; `null` if it was not collected. */
  gram: Float64Array | null;
}

/**
 * Smoothness of an embedding on its graph; `null` if there is nothing to compute it from, or a value is not
 * finite.
 */
export interface SmoothingMeasures {
  /**
   * √(1/N Σ_i Σ_{j∈N_i} ‖X_i − X_j‖²). Zero exactly when neighbours are equal. Rusch, Bronstein and Mishra
   * 2023 (arXiv 2303.10993), equation 4, as its square root.
   */
  dirichletEnergy: number | null;
  /**
   * ‖X − 1·(1ᵀX/N)‖_F. Zero exactly when all rows are equal. Zhao and Akoglu 2020 (PairNorm); the DTM of the
   * paper.
   */
  distanceToMean: number | null;
  /**
   * tr(Xᵀ Δ̃ X) = ½ Σ_i Σ_{j∈N_i} ‖X_i/√(1 + d_i) − X_j/√(1 + d_j)‖², Cai and Wang 2020 (arXiv 2006.13318),
   * definition 3.1. Zero when rows are proportional to √(1 + d_i): *not* zero for equal rows unless all
   * degrees are equal (arXiv 2512.09890).
   */
  degreeNormalisedDirichletEnergy: number | null;
  /**
   * 1/N Σ_i Σ_{j∈N_i} (1 − cos(X_i, X_j)), MAD in the form of Rusch et al. 2023: a sum over neighbours, a
   * mean over nodes.
   */
  meanAverageDistance: number | null;
  /**
   * exp(−Σ p_k ln p_k), p_k = σ_k/Σσ, σ being the singular values of X (not centred). From 1, all rows
   * proportional, to min(N, features). Roy and Vetterli 2007; as a measure of over-smoothing arXiv
   * 2502.04591. 0 for X = 0.
   */
  effectiveRank: number | null;
  /** Share of the entries of X that are exactly zero: the probability that a unit's output is zero. */
  zeroShare: number | null;
}

/** Returns the sums over no graph: the identity of {@link mergeSmoothing}. */
export function emptySmoothing(features: number): SmoothingSums {
  return {
    nodes: 0,
    pairs: 0,
    mean: new Float64Array(features),
    squaredDeviations: 0,
    energy: 0,
    degreeEnergy: 0,
    cosineDistance: 0,
    zeros: 0,
    gram: new Float64Array(features * features),
  };
}

/**
 * Returns the sums over the disjoint union of two graphs. All sums add but the squared deviations, which
 * change with the mean: Σ = Σ_a + Σ_b + n_a·n_b/n · ‖mean_a − mean_b‖² (Chan, Golub and LeVeque 1979). Parts
 * of *one* graph cannot be merged: the edges between them would be in neither.
 *
 * @throws Error if the numbers of features differ.
 */
export function mergeSmoothing(a: SmoothingSums, b: SmoothingSums): SmoothingSums {
  const features = a.mean.length;
  if (features !== b.mean.length) throw new Error(`merging ${features} and ${b.mean.length} features`);
  const nodes = a.nodes + b.nodes;
  const mean = a.mean.map((value, k) => (nodes > 0 ? (a.nodes * value + b.nodes * b.mean[k]!) / nodes : 0));
  const apart = a.mean.reduce((sum, value, k) => sum + (value - b.mean[k]!) ** 2, 0);
  return {
    nodes,
    pairs: a.pairs + b.pairs,
    mean,
    squaredDeviations:
      a.squaredDeviations + b.squaredDeviations + (nodes > 0 ? ((a.nodes * b.nodes) / nodes) * apart : 0),
    energy: a.energy + b.energy,
    degreeEnergy: a.degreeEnergy + b.degreeEnergy,
    cosineDistance: a.cosineDistance + b.cosineDistance,
    zeros: a.zeros + b.zeros,
    gram: a.gram && b.gram && a.gram.map((value, k) => value + b.gram![k]!),
  };
}

/** Computes the measures of the whole graph. O(features³) for the effective rank. */
export function finishSmoothing(sums: SmoothingSums): SmoothingMeasures {
  const { nodes, mean, squaredDeviations, energy, degreeEnergy, cosineDistance, zeros, gram } = sums;
  const entries = nodes * mean.length;
  const some = (value: number): number | null => (nodes > 0 && Number.isFinite(value) ? value : null);
  return {
    dirichletEnergy: some(Math.sqrt(energy / nodes)),
    distanceToMean: some(Math.sqrt(squaredDeviations)),
    degreeNormalisedDirichletEnergy: some(degreeEnergy / 2),
    meanAverageDistance: some(cosineDistance / nodes),
    effectiveRank: gram && nodes > 0 ? effectiveRank(gram, mean.length) : null,
    zeroShare: entries > 0 && Number.isFinite(energy + squaredDeviations) ? zeros / entries : null,
  };
}
