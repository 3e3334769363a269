import { symmetricEigenvalues } from './symmetric-eigenvalues.js';

/**
 * Computes the effective rank of X from XᵀX (row-major [features, features]): exp of the entropy of its
 * singular values, taken as shares of their sum (Roy and Vetterli, "The effective rank", EUSIPCO 2007). 0 for
 * X = 0; `null` if an entry is not finite.
 */
export function effectiveRank(gram: Float64Array, features: number): number | null {
  if (!gram.every(Number.isFinite)) return null;
  const eigenvalues = symmetricEigenvalues(gram, features);
  const largest = Math.max(0, ...eigenvalues);
  if (largest === 0) return 0;
  const singular = eigenvalues.map((value) => Math.sqrt(Math.max(0, value / largest)));
  const counted = singular.filter((value) => value > SMALLEST_SHARE);
  const total = counted.reduce((sum, value) => sum + value, 0);
  const entropy = counted.reduce((sum, value) => sum - (value / total) * Math.log(value / total), 0);
  return Math.exp(entropy);
}

/**
 * Singular values below this share of the largest are rounding errors of the squares in XᵀX, and count as
 * zero.
 */
const SMALLEST_SHARE = 1e-7;
