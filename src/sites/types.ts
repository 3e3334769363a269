import type { Value } from '../graph/graph.js';
import type { Linear } from '../patterns/linear.js';

/**
 * Where activations are read: the input and the output of an MLP's activation function, the output of
 * self-attention after its projection, and the output of the model, if an activation function computes it.
 */
export type SiteName = 'mlp_pre' | 'mlp_post' | 'attn_out' | 'output';

/** A stored weight that belongs to the neurons of a site: one row, or one column, for each. */
export interface WeightRef {
  role: 'in' | 'gate' | 'up' | 'out';
  /** The initializer (or Constant output) that holds the weights, as stored in the file. */
  value: Value;
  /**
   * The layer that multiplies by it; `normalised` if the data's own mean and deviation come between it and
   * the site.
   */
  layer: Linear & { normalised?: boolean };
  /** Name of the initializer in the file. */
  initializer: string;
  /**
   * The initializer's graph: `''` for the main graph, else the path of nodes whose nested graphs lead to it.
   */
  scope: string;
  /** Axis of the initializer that counts this site's neurons. */
  axis: number;
  /**
   * Index along `axis` of the site's first neuron; above 0 where a packed weight holds several projections.
   */
  first: number;
  bias: Value | null;
  /** Incoming weights per neuron; `null` if the shape is unknown. */
  fanIn: number | null;
  /** Outgoing weights per neuron. */
  fanOut: number | null;
}

/** A named tensor of activations. */
export interface Site {
  /** `[stack.]layer.site[.part]`, see `docs/design.md`. */
  id: string;
  stack: string;
  layer: number;
  site: SiteName;
  part: string;
  /** The tensor that is read. */
  value: Value;
  /** A bias that a fused operator adds to `value` first; then the site is no tensor of the file. */
  plus: Value | null;
  /** Axis of the neurons in the tensor: -1, or 1 for a convolution. */
  axis: number;
  neurons: number | null;
  /**
   * Name of the activation function with its parameters, e.g. `gelu_tanh`, `leaky_relu(0.01)`; `null` at
   * attn_out.
   */
  activation: string | null;
  weights: WeightRef[];
}

/** Something like a site that is none, and why. */
export interface NearMiss {
  /** Kind of part that it resembles: `mlp` or `attention`. */
  what: string;
  reason: string;
  /** Name of the node or the value where the search ended. */
  at: string;
}

/** Share of a model that its sites cover. */
export interface Coverage {
  /** Number of activation functions of neurons. */
  activations: number;
  /** Number of them that became sites. */
  sites: number;
}
