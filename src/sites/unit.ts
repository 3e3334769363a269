import type { Value } from '../graph/graph.js';
import type { ActivationMatch } from '../patterns/activations.js';
import type { AttentionMatch } from '../patterns/attention.js';
import type { Linear } from '../patterns/linear.js';
import type { UpstreamLinear } from '../patterns/linear-upstream.js';
import type { ResidualAdd } from '../patterns/residual-add.js';
import type { Sublayer } from './layers.js';

interface UnitBase extends Sublayer {
  /** Place in the execution order. */
  order: number;
  /** The addition of the result to the residual stream; `null` if there is none. */
  residual: ResidualAdd | null;
}

/** An MLP: linear layer, activation function, perhaps a gate, linear layer. */
export interface MlpUnit extends UnitBase {
  kind: 'mlp';
  activation: ActivationMatch;
  /** Layers whose sum is the activation's input. */
  into: UpstreamLinear[];
  /** Number of neurons; `null` if no weight tells it. */
  neurons: number | null;
  /** The other factor of a gated MLP, and the product that the down projection reads. */
  gate: { product: Value; up: UpstreamLinear[] } | null;
  /** Layers that read the MLP's inner neurons. */
  out: Linear[];
}

export interface AttentionUnit extends UnitBase {
  kind: 'attention';
  attention: AttentionMatch;
}

/** An MLP or an attention. */
export type Unit = MlpUnit | AttentionUnit;

/** Returns true if the neurons of an MLP are channels of a convolution. */
export function isConvolutional({ into }: MlpUnit): boolean {
  return into.some(({ neuronAxis }) => neuronAxis === 1);
}
