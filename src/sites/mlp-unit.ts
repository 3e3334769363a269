import { type Crossing, follow, passing } from '../graph/follow.js';
import type { Node, Value } from '../graph/graph.js';
import type { ActivationMatch } from '../patterns/activations.js';
import { gateDownstream } from '../patterns/gate.js';
import { activationRange } from '../patterns/known-activations.js';
import { layerResult } from '../patterns/layer-result.js';
import { linearDownstream } from '../patterns/linear-downstream.js';
import { linearUpstream } from '../patterns/linear-upstream.js';
import { type ResidualAdd, residualAdd } from '../patterns/residual-add.js';
import type { NearMiss } from './types.js';
import type { MlpUnit } from './unit.js';

/** Known facts of a graph when its MLPs are looked for. */
export interface MlpContext {
  /** Inputs of all activation functions. */
  starts: ReadonlySet<Value>;
  /** Means over attention heads, with the number of their neurons: no weight row belongs to one of them. */
  headMeans: ReadonlyMap<Value, number | null>;
}

/** Returns the MLP around an activation function, or why there is none. */
export function mlpAround(
  activation: ActivationMatch,
  { starts, headMeans }: MlpContext,
): Omit<MlpUnit, 'order'> | NearMiss {
  const { pre, post, name, bias } = activation;
  const upstream = headMeans.has(pre) ? { found: [], blocked: null } : linearUpstream(pre);
  if (upstream.blocked) {
    const at = labelOf(post.producer!);
    const { reason, at: end } = upstream.blocked;
    return {
      what: 'mlp',
      reason: `${name} at ${at} has no linear layer with stored weights before it: ${reason} (${end})`,
      at,
    };
  }
  const gate = gateOf(post);
  const out = linearDownstream(gate?.product ?? post);
  return {
    kind: 'mlp',
    activation,
    into: bias ? upstream.found.map((layer) => ({ ...layer, bias })) : upstream.found,
    neurons: headMeans.get(pre) ?? null,
    gate,
    out,
    residual: firstResidual(
      out.map((layer) => layerResult(layer).value),
      starts,
    ),
    block: null,
    beside: false,
  };
}

function firstResidual(results: readonly Value[], starts: ReadonlySet<Value>): ResidualAdd | null {
  for (const result of results) {
    const found = residualAdd(result, starts);
    if (found) return found;
  }
  return null;
}

function gateOf(post: Value): MlpUnit['gate'] {
  const gate = gateDownstream(post);
  const up = gate && linearUpstream(gate.up);
  return gate && up && !up.blocked ? { product: gate.product, up: up.found } : null;
}

/**
 * Returns true for the head of a model: a bounded function, such as Sigmoid or Tanh, whose values leave the
 * graph as they are. No layer reads them.
 */
export function isHead({ activation, gate, out }: Pick<MlpUnit, 'activation' | 'gate' | 'out'>): boolean {
  if (gate || out.length > 0 || !activationRange(activation.name)) return false;
  for (const value of follow(activation.post, 'downstream', isPlacedOnly)) if (value.isOutput) return true;
  return false;
}

const isPlacedOnly = (step: Crossing): boolean =>
  passing(step) ||
  (step.input === 0 && (step.node.is('Transpose') || step.node.is('Slice'))) ||
  step.node.is('Concat');

/** Returns a name for a node in messages. */
export function labelOf(node: Node): string {
  return node.name || node.outputs[0]?.name || node.opType;
}
