import { constantTensor } from '../../graph/constants.js';
import type { Node, Use, Value } from '../../graph/graph.js';
import { canCut } from '../../onnx/cut.js';
import { isConstant } from '../../patterns/operands.js';
import type { Site } from '../../sites/types.js';
import {
  at,
  type Cut,
  type DimsOf,
  type LinearEnd,
  label,
  type Port,
  type Refusal,
  refuse,
  type SizeEdit,
  sameCut,
} from './cut.js';
import { spread } from './spread.js';

/** A stored tensor that loses neurons, and the place that reads it. */
export interface StoredCut {
  value: Value;
  use: Use;
  cut: Cut;
}

/** A tensor filled with one thing for several readers: the reader of the neurons gets a narrower one of its own. */
export interface FilledCopy {
  use: Use;
  edit: SizeEdit;
}

/** Everything that removing some neurons of a site changes. Nothing is changed yet. */
export interface RemovalPlan {
  site: Site;
  neurons: readonly number[];
  /** Computed tensors that become narrower. */
  cuts: Map<Value, Cut>;
  stored: StoredCut[];
  edits: SizeEdit[];
  copies: FilledCopy[];
  /** Where the neurons' influence ends. */
  ends: LinearEnd[];
}

/**
 * Follows neurons from their site to every tensor, weight and size that has them, in both directions: from the layers
 * that compute them to the layers that sum over them. Every reader on the way must be understood.
 *
 * @param neurons Increasing.
 * @param dimsOf Sizes of all tensors on the way.
 */
export function planRemoval(site: Site, neurons: readonly number[], dimsOf: DimsOf): RemovalPlan | Refusal {
  const dims = dimsOf(site.value);
  const width = site.neurons ?? dims?.at(site.axis) ?? null;
  if (!dims || width === null) return refuse(`the size of ${site.value.name} is not known`);
  const axis = site.axis < 0 ? site.axis : site.axis - dims.length;
  if (dims.at(axis) !== width)
    return refuse(`${site.value.name} does not have the neurons on axis ${site.axis}`);
  const plan: RemovalPlan = { site, neurons, cuts: new Map(), stored: [], edits: [], copies: [], ends: [] };
  const search: Search = { plan, dimsOf, waiting: [], reason: null };
  visit(search, site.value, { axis, width, removed: new Map(neurons.map((n) => [n, n])) });
  for (let next = search.waiting.pop(); next && !search.reason; next = search.waiting.pop()) next();
  return search.reason !== null ? refuse(search.reason) : plan;
}

interface Search {
  plan: RemovalPlan;
  dimsOf: DimsOf;
  waiting: (() => void)[];
  reason: string | null;
}

/** A computed tensor with the neurons: what computes it and all that reads it are affected. */
function visit(search: Search, value: Value, cut: Cut): void {
  const { plan } = search;
  const known = plan.cuts.get(value);
  if (known) {
    if (!sameCut(known, cut)) search.reason ??= `neurons meet others at ${value.name}`;
    return;
  }
  plan.cuts.set(value, cut);
  if (value.isOutput) search.reason ??= `${value.name} is an output of the model`;
  else if (!value.producer) search.reason ??= `${value.name} is an input of the model`;
  if (search.reason !== null) return;
  pass(search, value.producer!, { side: 'output', index: value.outputIndex }, cut);
  for (const { node, index } of value.uses) {
    if (node.graph !== value.graph) search.reason ??= `${value.name} is read inside a nested graph`;
    else pass(search, node, { side: 'input', index }, cut);
  }
}

function pass(search: Search, node: Node, from: Port, cut: Cut): void {
  search.waiting.push(() => {
    const found = spread(node, from, cut, search.dimsOf);
    if ('reason' in found) {
      search.reason ??= found.reason;
      return;
    }
    const { plan } = search;
    for (const edit of found.edits ?? []) {
      const same = (other: SizeEdit) =>
        other.node === edit.node && other.place === edit.place && other.element === edit.element;
      if (!plan.edits.some(same)) plan.edits.push(edit);
    }
    if (found.end && !plan.ends.some((end) => end.node === node)) plan.ends.push(found.end);
    for (const [port, there] of found.ports) {
      const value = at(node, port);
      if (!value || (port.side === from.side && port.index === from.index)) continue;
      if (port.side === 'input' && isConstant(value))
        store(search, value, { node, index: port.index }, there);
      else if (port.side === 'output' || !copyFilled(search, value, { node, index: port.index }, there)) {
        visit(search, value, there);
      }
    }
  });
}

/**
 * Scatter-adds of several layers start from the same zeros and go by the same indices, expanded to the neurons' size:
 * these are no neurons, so each layer can have its own.
 */
function copyFilled({ plan, dimsOf }: Search, value: Value, use: Use, cut: Cut): boolean {
  const { producer } = value;
  if (!producer || value.uses.length < 2 || plan.cuts.has(value)) return false;
  if (!producer.is('Expand') && !producer.is('ConstantOfShape')) return false;
  const found = spread(producer, { side: 'output', index: 0 }, cut, dimsOf);
  const [edit] = ('edits' in found && found.edits) || [];
  if ('reason' in found || !edit || found.ports.some(([{ side }]) => side === 'input')) return false;
  const same = (copy: FilledCopy) => copy.use.node === use.node && copy.use.index === use.index;
  if (!plan.copies.some(same)) plan.copies.push({ use, edit });
  return true;
}

/** A constant with the neurons, computed from stored tensors or one itself. */
function store(search: Search, value: Value, use: Use, cut: Cut): void {
  const { plan } = search;
  const tensor = constantTensor(value);
  if (!tensor) {
    const node = value.producer!;
    const others = value.uses.filter((other) => other.node !== use.node && !other.node.is('Shape'));
    if (others.length > 0) search.reason ??= shared(value, others[0]!.node);
    else pass(search, node, { side: 'output', index: value.outputIndex }, cut);
    return;
  }
  const known = plan.stored.find((other) => other.use.node === use.node && other.use.index === use.index);
  if (known) {
    if (!sameCut(known.cut, cut)) search.reason ??= `neurons meet others at \`${value.name}\``;
    return;
  }
  if (tensor.dims.length < -cut.axis || Number(tensor.dims.at(cut.axis)) !== cut.width) {
    search.reason ??= `\`${value.name}\` does not have the neurons' size`;
  } else if (!canCut(tensor)) {
    search.reason ??= `\`${value.name}\` packs several weights into a byte`;
  }
  const others = value.uses.filter((other) => other.node !== use.node);
  // A vector that others read too (exporters merge equal biases) gets a copy of its own.
  const matrix = tensor.dims.filter((dim) => dim > 1n).length > 1;
  if (others.length > 0 && matrix) search.reason ??= shared(value, others[0]!.node);
  plan.stored.push({ value, use, cut });
}

const shared = (value: Value, reader: Node): string =>
  `the weight \`${value.name}\` is shared: ${label(reader)} reads it too`;
