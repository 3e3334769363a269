import { constantTensor } from '../../../graph/constants.js';
import type { Node, Use, Value } from '../../../graph/graph.js';
import { canCut } from '../../../onnx/cut.js';
import { isConstant } from '../../../patterns/operands.js';
import type { Site } from '../../../sites/types.js';
import { propagate } from './propagate.js';
import {
  type AxisRemoval,
  type Endpoint,
  fromEnd,
  label,
  type Refusal,
  refuse,
  type ShapeOf,
  type SizeEdit,
  type SummingLayer,
  sameRemoval,
  valueAt,
} from './removal.js';

/** Removal from a stored tensor, as one node reads it. */
interface StoredRemoval {
  value: Value;
  use: Use;
  removal: AxisRemoval;
}

/**
 * Edit of a constant-filled tensor that several nodes read. Only one of them, `use`, reads the neurons: it
 * gets a narrower copy, the others keep the original.
 */
export interface FilledCopy {
  use: Use;
  edit: SizeEdit;
}

/** Everything that removing some neurons of a site changes. Nothing is changed yet. */
export interface RemovalPlan {
  site: Site;
  neurons: readonly number[];
  /** Computed tensors that become narrower. */
  computed: Map<Value, AxisRemoval>;
  stored: StoredRemoval[];
  sizeEdits: SizeEdit[];
  filledCopies: FilledCopy[];
  summingLayers: SummingLayer[];
}

/**
 * Follows neurons from their site to every tensor, weight and size that has them: upstream to the layers that
 * compute them, downstream to the layers that sum over them. Refuses if any node on the way is not
 * understood.
 *
 * @param neurons Increasing.
 * @param shapeOf Sizes of all tensors on the way.
 */
export function planRemoval(site: Site, neurons: readonly number[], shapeOf: ShapeOf): RemovalPlan | Refusal {
  const shape = shapeOf(site.value);
  const width = site.neurons ?? shape?.at(site.axis) ?? null;
  if (!shape || width === null) return refuse(`the size of ${site.value.name} is not known`);
  const axis = fromEnd(site.axis, shape.length);
  if (shape.at(axis) !== width) {
    return refuse(`${site.value.name} does not have the neurons on axis ${site.axis}`);
  }
  const plan: RemovalPlan = {
    ...{ site, neurons, computed: new Map(), stored: [], sizeEdits: [], filledCopies: [], summingLayers: [] },
  };
  const search: Search = { plan, shapeOf, waiting: [], refusal: null };
  visit(search, site.value, { axis, width, removed: new Map(neurons.map((n) => [n, n])) });
  for (let next = search.waiting.pop(); next && !search.refusal; next = search.waiting.pop()) next();
  return search.refusal ?? plan;
}

interface Search {
  plan: RemovalPlan;
  shapeOf: ShapeOf;
  waiting: (() => void)[];
  /** First reason that was found. */
  refusal: Refusal | null;
}

function refuseSearch(search: Search, reason: string): void {
  search.refusal ??= refuse(reason);
}

/** Adds a computed tensor with the neurons: the node that computes it and all that read it are affected. */
function visit(search: Search, value: Value, removal: AxisRemoval): void {
  const { computed } = search.plan;
  const known = computed.get(value);
  if (known) {
    if (!sameRemoval(known, removal)) refuseSearch(search, `neurons meet others at ${value.name}`);
    return;
  }
  computed.set(value, removal);
  if (value.isOutput) refuseSearch(search, `${value.name} is an output of the model`);
  else if (!value.producer) refuseSearch(search, `${value.name} is an input of the model`);
  if (search.refusal) return;
  cross(search, value.producer!, { side: 'output', index: value.outputIndex }, removal);
  for (const { node, index } of value.uses) {
    if (node.graph !== value.graph) refuseSearch(search, `${value.name} is read inside a nested graph`);
    else cross(search, node, { side: 'input', index }, removal);
  }
}

/** Carries a removal from one endpoint of a node to the others. */
function cross(search: Search, node: Node, from: Endpoint, removal: AxisRemoval): void {
  const { plan, shapeOf } = search;
  search.waiting.push(() => {
    const found = propagate({ node, from, removal, shapeOf });
    if ('reason' in found) {
      search.refusal ??= found;
      return;
    }
    for (const edit of found.sizeEdits ?? []) {
      if (!plan.sizeEdits.some((other) => isSameNumber(other, edit))) plan.sizeEdits.push(edit);
    }
    const { summingLayer } = found;
    if (summingLayer && !plan.summingLayers.some((layer) => layer.node === node)) {
      plan.summingLayers.push(summingLayer);
    }
    for (const [{ side, index }, other] of found.removals) {
      const value = valueAt(node, { side, index });
      if (!value || (side === from.side && index === from.index)) continue;
      if (side === 'input' && isConstant(value)) store(search, value, { node, index }, other);
      else if (side === 'output' || !copyFilled(search, value, { node, index }, other)) {
        visit(search, value, other);
      }
    }
  });
}

/** Returns true if two edits are about the same number of the file. */
export function isSameNumber(a: SizeEdit, b: SizeEdit): boolean {
  return a.node === b.node && a.holder === b.holder && a.element === b.element;
}

/**
 * Plans a narrower copy of a constant-filled tensor, if it is one that several nodes read; returns true if
 * so. Example: the Scatter-adds of all layers start from the same zeros, and add by the same indices,
 * expanded to [edges, neurons].
 */
function copyFilled({ plan, shapeOf }: Search, value: Value, use: Use, removal: AxisRemoval): boolean {
  const { producer } = value;
  if (!producer || value.uses.length < 2 || plan.computed.has(value)) return false;
  if (!producer.is('Expand') && !producer.is('ConstantOfShape')) return false;
  const found = propagate({ node: producer, from: { side: 'output', index: 0 }, removal, shapeOf });
  if ('reason' in found || found.removals.some(([{ side }]) => side === 'input')) return false;
  const [edit] = found.sizeEdits ?? [];
  if (!edit) return false;
  const isKnown = plan.filledCopies.some(({ use: u }) => u.node === use.node && u.index === use.index);
  if (!isKnown) plan.filledCopies.push({ use, edit });
  return true;
}

/** Adds a constant with the neurons: a stored tensor, or one computed from stored tensors. */
function store(search: Search, value: Value, use: Use, removal: AxisRemoval): void {
  const { plan } = search;
  const tensor = constantTensor(value);
  if (!tensor) {
    const other = value.uses.find(({ node }) => node !== use.node && !node.is('Shape'));
    if (other) refuseSearch(search, shared(value, other.node));
    else cross(search, value.producer!, { side: 'output', index: value.outputIndex }, removal);
    return;
  }
  const known = plan.stored.find((other) => other.use.node === use.node && other.use.index === use.index);
  if (known) {
    if (!sameRemoval(known.removal, removal))
      refuseSearch(search, `neurons meet others at \`${value.name}\``);
    return;
  }
  if (tensor.dims.length < -removal.axis || Number(tensor.dims.at(removal.axis)) !== removal.width) {
    refuseSearch(search, `\`${value.name}\` does not have the neurons' size`);
  } else if (!canCut(tensor)) {
    refuseSearch(search, `\`${value.name}\` packs several weights into a byte`);
  }
  // A vector that others read too (exporters merge equal biases) gets a copy of its own; a matrix does not.
  const isMatrix = tensor.dims.filter((dim) => dim > 1n).length > 1;
  const other = value.uses.find(({ node }) => node !== use.node);
  if (other && isMatrix) refuseSearch(search, shared(value, other.node));
  plan.stored.push({ value, use, removal });
}

const shared = (value: Value, reader: Node): string =>
  `the weight \`${value.name}\` is shared: ${label(reader)} reads it too`;
