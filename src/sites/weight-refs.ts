import type { Value } from '../graph/graph.js';
import type { Linear } from '../patterns/linear.js';
import type { UpstreamLinear } from '../patterns/linear-upstream.js';
import { storedWeight } from '../patterns/weights.js';
import type { WeightRef } from './types.js';

/** Returns the weights of a linear layer whose outputs are the neurons of a site. */
export function incomingRef(
  role: WeightRef['role'],
  layer: Linear | UpstreamLinear,
  bias: Value | null,
): WeightRef {
  const { weight, outAxis, fanIn } = layer;
  return {
    role,
    value: weight,
    layer,
    initializer: weight.name,
    scope: scopeOf(weight),
    axis: outAxis,
    first: 'first' in layer ? layer.first : 0,
    bias: bias && (storedWeight(bias)?.value ?? bias),
    fanIn,
    fanOut: null,
  };
}

/**
 * Returns the weights of a linear layer whose inputs are the neurons of a site; `null` if no axis counts
 * these.
 */
export function outgoingRef(layer: Linear): WeightRef | null {
  const { weight, inAxis, neurons } = layer;
  if (inAxis < 0) return null;
  return {
    role: 'out',
    value: weight,
    layer,
    initializer: weight.name,
    scope: scopeOf(weight),
    axis: inAxis,
    first: 0,
    bias: null,
    fanIn: null,
    fanOut: neurons,
  };
}

function scopeOf(value: Value): string {
  const owners = value.graph.scopes.flatMap((graph) => (graph.owner ? [graph.owner.name] : []));
  return owners.reverse().join('/');
}
