import type { LivingPoints } from './living-points.js';

/**
 * Names of dimensions in this folder: positions (tokens, nodes, pixels that count), neurons (last axis of a
 * site).
 */

/** Definition of a firing activation and of a dead neuron. */
export interface Criterion {
  /** `abs`: |a| > threshold; `positive`: a > threshold. */
  firing: 'abs' | 'positive';
  threshold: number;
  dead: 'frequency' | 'silent' | 'sum' | 'mean-abs' | 'dormant';
  /** The chosen criterion's limit; `null` if it has none (`silent`). */
  deadBelow: number | null;
}

/** Counters of one site, from a probe for one batch or added up over batches. All arrays are [neurons]. */
export interface Counters {
  /** Number of positions seen, the same for all neurons. */
  positions: number;
  fired: Float64Array;
  positive: Float64Array;
  /**
   * Positions at which a Tanh or Sigmoid output is within 0.001 of its limits; zeros for other activations.
   */
  saturated: Float64Array;
  /** Positions at which the value was NaN or infinite. They count in `positions` and nowhere else. */
  nonFinite: Float64Array;
  sum: Float64Array;
  sumAbs: Float64Array;
  sumSquares: Float64Array;
  /** +Inf and −Inf for a neuron without a finite value. */
  min: Float32Array;
  max: Float32Array;
  /** Data points alive at this layer; only for layers of a rectifier network. */
  livingPoints?: LivingPoints;
  /** Value histogram of the whole site; `null` if it was not collected or ranges could not be merged. */
  histogram: ValueHistogram | null;
}

/**
 * 256 equal bins as QuantizeLinear (uint8) makes them: bin k holds the values that round, half to even, to (k
 * − zeroPoint) · scale. Its edges are at (k − zeroPoint ± ½) · scale; the two end bins are open.
 */
export interface ValueHistogram {
  scale: number;
  zeroPoint: number;
  /** [256] counts, exact. */
  counts: Float64Array;
}
