import { follow, passing } from '../graph/follow.js';
import type { Value } from '../graph/graph.js';
import { isConstant, numberReaders } from './operands.js';

/** The product of a gated MLP: f(gate) ⊙ up, both computed from the input. */
export interface Gate {
  /** The product [..., neurons], which the down projection reads. */
  product: Value;
  /** The other factor. */
  up: Value;
}

/** Returns the gate that an activation's output opens, if that is multiplied by another computed tensor. */
export function gateDownstream(post: Value): Gate | null {
  const walk = follow(post, 'downstream', (step) => passing(step) && isOnlyReader(step.from));
  for (const at of walk) {
    for (const { node, index } of numberReaders(at)) {
      const up = node.is('Mul') ? node.inputs[1 - index] : null;
      if (up && up !== at && !isConstant(up)) return { product: node.output, up };
    }
  }
  return null;
}

const isOnlyReader = (value: Value): boolean => numberReaders(value).length === 1;
