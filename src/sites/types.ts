import type { Value } from '../graph/graph.js';
import type { Linear } from '../patterns/linear.js';

export type SiteName = 'mlp_pre' | 'mlp_post' | 'attn_out';

/** An initializer behind each neuron of a site. */
export interface WeightRef {
  role: 'in' | 'gate' | 'up' | 'out';
  /** The initializer (or Constant output) that holds the weights, as stored in the file. */
  value: Value;
  /** The layer it is the weight of; `normalised` where the data's own mean and deviation come between it and the site. */
  layer: Linear & { normalised?: boolean };
  /** Name of the initializer in the file. */
  initializer: string;
  /** Where it lives: `''` for the main graph, else the path of nested graphs or the function's name. */
  scope: string;
  /** Axis of the initializer that is indexed by this site's neurons. */
  axis: number;
  /** Index along `axis` of the site's first neuron; above 0 where a packed weight holds several projections. */
  first: number;
  bias: Value | null;
  /** Incoming weights per neuron; `null` if the shape is unknown. */
  fanIn: number | null;
  /** Outgoing weights per neuron. */
  fanOut: number | null;
}

/** A named place where activations are read. */
export interface Site {
  id: string;
  stack: string;
  layer: number;
  site: SiteName;
  part: string;
  /** The tensor that is read. */
  value: Value;
  /** A bias that a fused operator absorbed and that must be added to `value`: then the site is no tensor of the file. */
  plus: Value | null;
  /** Axis of the neurons in the tensor: -1, or 1 for a convolution. */
  axis: number;
  neurons: number | null;
  /** Name of the activation function with its parameters, e.g. `gelu_tanh`, `leaky_relu(0.01)`; `null` at attn_out. */
  activation: string | null;
  weights: WeightRef[];
}

/** Something that was looked for and not found, and why. */
export interface Miss {
  /** What was looked for, e.g. `mlp`. */
  what: string;
  reason: string;
  /** Node or value where the search ended. */
  at: string;
}
