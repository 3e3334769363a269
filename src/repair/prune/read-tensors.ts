import { follow } from '../../graph/follow.js';
import type { Node, Value } from '../../graph/graph.js';
import { operatorOf } from '../../graph/operators.js';
import type { WatchedTensor } from '../../measure/audited-model.js';
import type { Site } from '../../sites/types.js';
import { planRemoval, type RemovalPlan } from './removal/plan.js';
import type { ShapeOf, SummingLayer } from './removal/removal.js';

/**
 * Returns the tensors to watch beside the sites. A layer may read something else than the site holds: a sum
 * with a residual stream, say. A neuron may go only if it is constant where it is read.
 */
export function readTensors(sites: readonly Site[], shapeOf: ShapeOf): WatchedTensor[] {
  const found = new Map<Value, WatchedTensor>();
  for (const site of sites) {
    const plan = planRemoval(site, [0], shapeOf);
    if ('reason' in plan) continue;
    for (const layer of plan.summingLayers) {
      const value = readBy(layer, plan);
      if (!sites.some((other) => other.value === value)) {
        found.set(value, { value, axis: plan.computed.get(value)!.axis === -1 ? -1 : 1 });
      }
    }
  }
  return [...found.values()];
}

/**
 * Returns the tensor that tells what a summing layer reads: its input, or the tensor of which the input is
 * only a copy in another shape. The fewer tensors are watched, the better; and codes of DynamicQuantizeLinear
 * cannot be watched.
 */
export function readBy({ node, removal }: SummingLayer, { site, computed }: RemovalPlan): Value {
  let read = node.input!;
  const copies = follow(
    read,
    'upstream',
    (step) =>
      step.input === 0 &&
      step.from !== site.value &&
      isCopy(step.node) &&
      computed.get(step.to)?.width === removal.width,
  );
  for (read of copies);
  return read;
}

function isCopy(node: Node): boolean {
  return operatorOf(node).placement === 'reshape' || node.is('Identity') || node.is('DynamicQuantizeLinear');
}
