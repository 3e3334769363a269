import type { LivingPoints } from './living-points.js';

/** Dimension names in this folder: positions (tokens, nodes, pixels that count), neurons (last axis of a site). */

/** When an activation counts as firing, and when a neuron as dead (DESIGN section 1). */
export interface Criterion {
  /** `abs`: |a| > threshold; `positive`: a > threshold. */
  firing: 'abs' | 'positive';
  threshold: number;
  dead: 'frequency' | 'silent' | 'sum' | 'mean-abs' | 'dormant';
  /** The chosen criterion's limit; `null` where it has none (`silent`). */
  deadBelow: number | null;
}

/** Per-neuron counters of one site: what a probe yields for a batch, and what batches add up to. All [neurons]. */
export interface Counters {
  /** Positions seen (one number: the same for all neurons). */
  positions: number;
  fired: Float64Array;
  positive: Float64Array;
  /** Positions at which a Tanh or Sigmoid output is within 0.001 of its limits; zeros for other activations. */
  saturated: Float64Array;
  /** Positions at which the value was NaN or infinite; they are in `positions` and in nothing else. */
  nonFinite: Float64Array;
  sum: Float64Array;
  sumAbs: Float64Array;
  sumSquares: Float64Array;
  /** +Inf and −Inf where no finite value was seen. */
  min: Float32Array;
  max: Float32Array;
  /** Data points alive at this layer; only at the layers of a rectifier network. */
  livingPoints?: LivingPoints;
  /** Value histogram of the whole site; `null` when it was not collected or ranges could not be merged. */
  histogram: ValueHistogram | null;
}

/**
 * 256 equal bins as QuantizeLinear (uint8) makes them: bin k holds values that round half to even to
 * (k − zeroPoint) · scale; the edges are at (k − zeroPoint ± ½) · scale and the two end bins are open.
 */
export interface ValueHistogram {
  scale: number;
  zeroPoint: number;
  /** [256] counts, exact. */
  counts: Float64Array;
}
