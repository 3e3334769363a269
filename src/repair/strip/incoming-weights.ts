import type { Node } from '../../graph/graph.js';
import { bytesKey } from '../../onnx/elements.js';
import type { Site } from '../../sites/types.js';
import { type NeuronWeights, neuronWeights } from '../neuron-weights.js';
import { sharedReason } from '../tensor-readers.js';

export interface IncomingOptions {
  /** Nodes that read each stored tensor, by the key of its bytes. */
  readers: ReadonlyMap<string, Node[]>;
  /**
   * Mean of every input of a layer, [inputs], by the name of the layer's input; `null` if weights alone
   * decide.
   */
  means: ReadonlyMap<string, Float64Array> | null;
  /** True if weights are taken that something else reads, too. */
  allowShared: boolean;
}

/**
 * Returns the incoming weights of a site's neurons: those of all layers whose sum is the pre-activation, in a
 * gated MLP those of the gate. Or the reason why they cannot be stripped.
 */
export function incomingWeights(
  site: Site,
  { readers, means, allowShared }: IncomingOptions,
): { weights: NeuronWeights[] } | { reason: string } {
  const gates = site.weights.filter(({ role }) => role === 'gate');
  const refs = gates.length > 0 ? gates : site.weights.filter(({ role }) => role === 'in');
  if (refs.length === 0) return { reason: 'no incoming weights are known' };
  if (site.site === 'attn_out') return { reason: 'an attention output has no activation function to revive' };
  const all: NeuronWeights[] = [];
  for (const ref of refs) {
    const weights = neuronWeights(ref);
    if ('reason' in weights) return weights;
    if (site.neurons !== null && ref.first + site.neurons > weights.neurons) {
      return { reason: `\`${ref.initializer}\` has ${weights.neurons} outputs for ${site.neurons} neurons` };
    }
    const own = (readers.get(keyOf(weights)) ?? []).filter(isFirstOfBranches);
    if (!allowShared && own.length > 1) {
      const others = own.filter((node) => node !== ref.layer.node);
      return { reason: `${sharedReason(ref.initializer, others)} (--allow-shared strips it all the same)` };
    }
    if (means && !means.has(ref.layer.input.name)) {
      return { reason: `the mean of \`${ref.layer.input.name}\`, the layer's input, is not known` };
    }
    all.push(weights);
  }
  return { weights: all };
}

/** Returns the key of the bytes of a weight. */
export const keyOf = ({ codes }: NeuronWeights): string => bytesKey(codes)!;

/** Of readers in different branches of one `If` only the first counts: never more than one of them runs. */
function isFirstOfBranches(node: Node, index: number, all: readonly Node[]): boolean {
  return !all.slice(0, index).some((other) => areInOtherBranches(node, other));
}

function areInOtherBranches(a: Node, b: Node): boolean {
  return a.graph.scopes.some(
    (scope) =>
      scope.owner?.is('If') && b.graph.scopes.some((other) => other.owner === scope.owner && other !== scope),
  );
}
