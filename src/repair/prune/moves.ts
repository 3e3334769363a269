import { constantInts } from '../../graph/constants.js';
import type { Node, Value } from '../../graph/graph.js';
import {
  type Cut,
  covers,
  type DimsOf,
  input,
  label,
  output,
  type Port,
  type Refusal,
  refuse,
  type SizeEdit,
  type Spread,
} from './cut.js';

type Rule = (node: Node, from: Port, cut: Cut, dimsOf: DimsOf) => Spread | Refusal;

/** How a cut passes operators that place elements differently; `null` for other nodes. */
export function spreadMove(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal | null {
  const rule = node.domain === '' ? rules[node.opType] : undefined;
  return rule ? rule(node, from, cut, dimsOf) : null;
}

const rules: Record<string, Rule> = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Expand: expand,
  ConstantOfShape: (node, _from, cut, dimsOf) => sized(node, 0, cut, dimsOf, []),
  Gather: gather,
  GatherND: (node, _from, cut, dimsOf) => trailing(node, [0], cut, dimsOf, lastSize(node, dimsOf)),
  ScatterND: (node, _from, cut, dimsOf) => trailing(node, [0, 2], cut, dimsOf, lastSize(node, dimsOf)),
  GatherElements: (node, _from, cut, dimsOf) => alike(node, [0, 1], cut, dimsOf),
  ScatterElements: (node, _from, cut, dimsOf) => alike(node, [0, 1, 2], cut, dimsOf),
  Pad: (node, _from, cut, dimsOf) => whole(node, cut, dimsOf),
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
};

const unknownSize = (node: Node): Refusal => refuse(`the sizes at ${label(node)} are not known`);

function reshape(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const [before, after] = [node.input, node.outputs[0]].map((value) => value && dimsOf(value));
  if (!before || !after) return unknownSize(node);
  const forward = from.side === 'input';
  const other = forward ? remap(cut, before, after) : remap(cut, after, before);
  if (!other) return refuse(`${label(node)} joins or splits the neurons' axis with others`);
  const there: [Port, Cut] = [forward ? output() : input(0), other];
  if (!node.is('Reshape')) return { ports: [there] };
  return sized(node, 1, forward ? other : cut, dimsOf, [there]);
}

/**
 * The cut of a tensor with the same elements in other dimensions: the axis may gain or lose inner neighbours, so that a
 * neuron is a run of indices, but never outer ones.
 */
export function remap(cut: Cut, from: readonly number[], to: readonly number[]): Cut | null {
  const axis = from.length + cut.axis;
  const outer = product(from.slice(0, axis));
  for (const [b, width] of to.entries()) {
    if (product(to.slice(0, b)) !== outer) continue;
    const target = { axis: b - to.length, width };
    if (width === cut.width) return { ...cut, ...target };
    if (width === 1) continue;
    if (width % cut.width === 0 && product(from.slice(axis)) % width === 0) {
      const k = width / cut.width;
      const runs = [...cut.removed].flatMap(([index, neuron]) =>
        Array.from({ length: k }, (_, i): [number, number] => [index * k + i, neuron]),
      );
      return { ...target, removed: new Map(runs) };
    }
    if (cut.width % width === 0) {
      const k = cut.width / width;
      const whole = new Map<number, number>();
      for (const [index, neuron] of cut.removed) if (index % k === 0) whole.set(index / k, neuron);
      const complete = [...whole.keys()].every((index) =>
        Array.from({ length: k }, (_, i) => cut.removed.has(index * k + i)).every(Boolean),
      );
      return complete && whole.size * k === cut.removed.size ? { ...target, removed: whole } : null;
    }
  }
  return null;
}

const product = (dims: readonly number[]): number => dims.reduce((all, dim) => all * dim, 1);

function transpose(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const value = from.side === 'input' ? node.input : node.outputs[0];
  const rank = (value && dimsOf(value)?.length) ?? node.ints('perm')?.length;
  if (rank === undefined || rank === null) return unknownSize(node);
  const perm = node.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const axis = rank + cut.axis;
  if (from.side === 'input') return { ports: [[output(), { ...cut, axis: perm.indexOf(axis) - rank }]] };
  return { ports: [[input(0), { ...cut, axis: perm[axis]! - rank }]] };
}

function expand(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const data = node.input;
  const found = from.side === 'input' ? 'full' : covers(data && dimsOf(data), cut);
  if (found === 'unknown') return unknownSize(node);
  const ports: [Port, Cut][] = [[output(), cut]];
  if (found === 'full') ports.push([input(0), cut]);
  return sized(node, 1, cut, dimsOf, ports);
}

/** A node whose output's size is given by input `place`: the number that counts the neurons there becomes smaller. */
function sized(
  node: Node,
  place: number,
  after: Cut,
  dimsOf: DimsOf,
  ports: [Port, Cut][],
): Spread | Refusal {
  const shape = node.inputs[place];
  const rank = node.outputs[0] && dimsOf(node.outputs[0])?.length;
  if (!shape || !rank) return unknownSize(node);
  const length = dimsOf(shape)?.[0] ?? rank;
  const element = length + after.axis;
  const edit = { node, place, element, minus: after.removed.size };
  if (element < 0) return { ports };
  const size = sizeAt(shape, element, dimsOf);
  if (size === after.width) return { ports, edits: [edit] };
  const automatic = size === null || size === -1 || size === 1 || (size === 0 && node.is('Reshape'));
  return automatic ? { ports } : refuse(`${label(node)} asks for the size ${size} where the neurons are`);
}

/** An element of a shape if the file says it; `null` when it is computed from other shapes. */
export function sizeAt(shape: Value, element: number, dimsOf: DimsOf): number | null {
  const constant = constantInts(shape);
  if (constant) return constant[element] ?? null;
  const part = concatPart(shape, element, dimsOf);
  return part && sizeAt(part.value, part.element, dimsOf);
}

/** The input of a Concat that an element of the shape comes from. */
export function concatPart(
  shape: Value,
  element: number,
  dimsOf: DimsOf,
): { node: Node; index: number; value: Value; element: number } | null {
  const node = shape.producer;
  if (!node?.is('Concat')) return null;
  let start = 0;
  for (const [index, value] of node.inputs.entries()) {
    const length = value && (constantInts(value)?.length ?? dimsOf(value)?.[0]);
    if (!value || !length) return null;
    if (element < start + length) return { node, index, value, element: element - start };
    start += length;
  }
  return null;
}

function gather(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const [data, indices] = [node.inputs[0], node.inputs[1]].map((value) => value && dimsOf(value));
  if (!data || !indices) return unknownSize(node);
  const given = node.int('axis', 0);
  const axis = given < 0 ? given : given - data.length;
  const shift = indices.length - 1;
  const before = from.side === 'input' ? cut.axis : cut.axis < axis - shift ? cut.axis + shift : cut.axis;
  if (before === axis || (from.side === 'output' && cut.axis <= axis && cut.axis >= axis - shift)) {
    return refuse(`${label(node)} picks some of the neurons`);
  }
  const after = before < axis ? before - shift : before;
  return {
    ports: [
      [input(0), { ...cut, axis: before }],
      [output(), { ...cut, axis: after }],
    ],
  };
}

function lastSize(node: Node, dimsOf: DimsOf): number | null {
  return (node.inputs[1] && dimsOf(node.inputs[1])?.at(-1)) ?? null;
}

/** GatherND and ScatterND keep the dimensions behind the first `indexed` of the data. */
function trailing(
  node: Node,
  places: number[],
  cut: Cut,
  dimsOf: DimsOf,
  indexed: number | null,
): Spread | Refusal {
  const data = node.input && dimsOf(node.input);
  if (!data || indexed === null) return unknownSize(node);
  const skipped = indexed + node.int('batch_dims', 0);
  if (data.length + cut.axis < skipped) return refuse(`${label(node)} picks some of the neurons`);
  return { ports: [...places.map((index): [Port, Cut] => [input(index), cut]), [output(), cut]] };
}

/** All operands and the result have the neurons on the same axis; the indices go along another one. */
function alike(node: Node, places: number[], cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const data = node.input && dimsOf(node.input);
  if (!data) return unknownSize(node);
  const axis = node.int('axis', 0);
  if ((axis < 0 ? axis : axis - data.length) === cut.axis) {
    return refuse(`${label(node)} picks some of the neurons`);
  }
  const fits = places.every((index) => {
    const value = node.inputs[index];
    return value && covers(dimsOf(value), cut) === 'full';
  });
  if (!fits) return unknownSize(node);
  return { ports: [...places.map((index): [Port, Cut] => [input(index), cut]), [output(), cut]] };
}

/** The neurons' axis is taken as a whole. */
function whole(node: Node, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const dims = [node.input, node.outputs[0]].map((value) => value && dimsOf(value));
  if (dims.some((sizes) => sizes?.at(cut.axis) !== cut.width)) {
    return refuse(`${label(node)} changes the neurons' axis`);
  }
  return {
    ports: [
      [input(0), cut],
      [output(), cut],
    ],
  };
}

function reduce(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const dims = node.input && dimsOf(node.input);
  const given = node.ints('axes') ?? (node.inputs[1] ? constantInts(node.inputs[1]) : []);
  if (!dims || !given) return unknownSize(node);
  const rank = dims.length;
  const axes = new Set(given.map((axis) => (axis < 0 ? axis + rank : axis)));
  const kept = Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.has(i));
  const keeps = node.int('keepdims', 1) === 1;
  const inAxis = from.side === 'input' || keeps ? rank + cut.axis : (kept[kept.length + cut.axis] ?? -1);
  if (axes.size === 0 || axes.has(inAxis) || inAxis < 0)
    return refuse(`${label(node)} sums over the neurons`);
  const outAxis = keeps ? inAxis - rank : kept.indexOf(inAxis) - kept.length;
  return {
    ports: [
      [input(0), { ...cut, axis: inAxis - rank }],
      [output(), { ...cut, axis: outAxis }],
    ],
  };
}

export type { SizeEdit };
