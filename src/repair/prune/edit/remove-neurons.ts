import { removeInitializers, removeUnread } from '../../../graph/edits.js';
import type { Graph, Node, Use, Value } from '../../../graph/graph.js';
import { operatorOf } from '../../../graph/operators.js';
import type { TensorProto } from '../../../onnx/types.js';
import type { Deferred } from '../../../onnx/writer.js';
import type { RemovalPlan } from '../removal/plan.js';
import type { AxisRemoval, ShapeOf } from '../removal/removal.js';
import { addToBias, type BiasAddition, type RemovedIndices } from './add-to-bias.js';
import { changeSizes, copyFilledTensors } from './change-size.js';
import { narrowTensor, ownInitializer } from './narrow-tensor.js';

/**
 * Removes the neurons of all plans from a graph, and adds the sums of the constant ones among them to biases
 * downstream.
 *
 * @param plans Made for this graph as it is.
 * @returns The bytes of large tensors that lost neurons; their messages hold none.
 */
export function removeNeurons(
  graph: Graph,
  plans: readonly RemovalPlan[],
  additions: readonly BiasAddition[],
  shapeOf: ShapeOf,
): Map<TensorProto, Deferred> {
  const computed = removedByTensor(plans);
  for (const addition of additions) addToBias(addition, computed);
  const deferred = new Map<TensorProto, Deferred>();
  for (const [use, removed] of removedByUse(plans)) narrowTensor(ownInitializer(use), removed, deferred);
  for (const [value, removed] of computed) declareNarrower(value, removed);
  changeSizes(
    plans.flatMap(({ sizeEdits }) => sizeEdits),
    shapeOf,
  );
  copyFilledTensors(
    plans.flatMap(({ filledCopies }) => filledCopies),
    shapeOf,
  );
  removeReplaced(graph);
  return deferred;
}

type Collected = Map<number, Set<number>>;

/** Collects what all plans together remove from each computed tensor. */
function removedByTensor(plans: readonly RemovalPlan[]): Map<Value, RemovedIndices> {
  const all = new Map<Value, Collected>();
  for (const plan of plans) {
    for (const [value, removal] of plan.computed) all.set(value, collect(all.get(value), removal));
  }
  return all;
}

/** Collects what all plans together remove from each stored tensor, by the use that reads it. */
function removedByUse(plans: readonly RemovalPlan[]): [Use, RemovedIndices][] {
  const all = new Map<Node, Map<number, Collected>>();
  for (const { stored } of plans) {
    for (const { use, removal } of stored) {
      const inputs = all.get(use.node) ?? new Map<number, Collected>();
      all.set(use.node, inputs.set(use.index, collect(inputs.get(use.index), removal)));
    }
  }
  return [...all].flatMap(([node, inputs]) =>
    [...inputs].map(([index, removed]): [Use, RemovedIndices] => [{ node, index }, removed]),
  );
}

function collect(collected: Collected = new Map(), { axis, removed }: AxisRemoval): Collected {
  const indices = collected.get(axis) ?? new Set<number>();
  for (const index of removed.keys()) indices.add(index);
  return collected.set(axis, indices);
}

/** Changes the declared size of a computed tensor, if it has one. */
function declareNarrower(value: Value, removed: RemovedIndices): void {
  const shape = value.type?.shape;
  if (!value.type || !shape) return;
  const narrower = shape.map((dim, i) => {
    const count = removed.get(i - shape.length)?.size ?? 0;
    return typeof dim === 'number' ? dim - count : count > 0 ? null : dim;
  });
  value.type = { ...value.type, shape: narrower };
}

/**
 * Removes nodes that computed a replaced shape or held a replaced tensor, and initializers that nothing
 * reads.
 */
function removeReplaced(graph: Graph): void {
  removeUnread(graph, graph.nodes, holdsConstants);
  const unread = graph.initializers.filter(
    ({ uses, isOutput, isInput }) => uses.length === 0 && !isOutput && !isInput,
  );
  removeInitializers(graph, unread);
}

/** Returns true for operators of shapes and constants. All others stay, read or not, as the file has them. */
function holdsConstants(node: Node): boolean {
  const { placement } = operatorOf(node);
  const makesShapes = placement === 'expand' || placement === 'fill' || placement === 'concat';
  return makesShapes || ['Constant', 'Unsqueeze', 'Identity', 'Cast'].some((opType) => node.is(opType));
}
