import { constantInts } from '../../graph/constants.js';
import type { Node, Value } from '../../graph/graph.js';
import { lastAxisRange, type NeuronRange } from '../../patterns/last-axis.js';
import {
  type Cut,
  type DimsOf,
  input,
  label,
  output,
  type Port,
  type Refusal,
  refuse,
  type SizeEdit,
  type Spread,
  shifted,
} from './cut.js';

/** How a cut passes operators that join tensors or take parts of one; `null` for other nodes. */
export function spreadParts(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal | null {
  if (node.is('Concat')) return concat(node, from, cut, dimsOf);
  if (node.is('Slice')) return slice(node, from, cut, dimsOf);
  if (node.is('Split')) return split(node, from, cut, dimsOf);
  return null;
}

function concat(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const all = node.inputs.map((value) => value && dimsOf(value));
  const rank = all[0]?.length;
  if (rank === undefined || all.some((dims) => !dims))
    return refuse(`the sizes at ${label(node)} are not known`);
  const given = node.int('axis', 0);
  const axis = given < 0 ? given : given - rank;
  if (axis !== cut.axis) {
    return { ports: [...node.inputs.map((_, i): [Port, Cut] => [input(i), cut]), [output(), cut]] };
  }
  const sizes = all.map((dims) => dims!.at(axis)!);
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const width = sizes.reduce((sum, size) => sum + size, 0);
  if (from.side === 'input') return { ports: [[output(), shifted(cut, starts[from.index]!, width)]] };
  const ports = sizes.flatMap((size, i): [Port, Cut][] => {
    const inside = [...cut.removed].filter(([index]) => index >= starts[i]! && index < starts[i]! + size);
    const own = new Map(inside.map(([index, neuron]) => [index - starts[i]!, neuron]));
    return own.size === 0 ? [] : [[input(i), { axis, width: size, removed: own }]];
  });
  return { ports };
}

function slice(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const [before, after] = [node.input, node.outputs[0]].map((value) => value && dimsOf(value));
  if (!before || !after) return refuse(`the sizes at ${label(node)} are not known`);
  const steps = node.inputs[4] ? constantInts(node.inputs[4]) : [1];
  if (before.at(cut.axis) === after.at(cut.axis)) {
    if (!steps || steps.some((step) => step < 0)) return refuse(`${label(node)} turns an axis round`);
    return {
      ports: [
        [input(0), cut],
        [output(), cut],
      ],
    };
  }
  return packed(node, from, cut, before);
}

/** Another axis is split: all parts have the neurons. Along their own axis each part has its share. */
function split(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const dims = node.input && dimsOf(node.input);
  if (!dims) return refuse(`the sizes at ${label(node)} are not known`);
  const given = node.int('axis', 0);
  if ((given < 0 ? given : given - dims.length) !== cut.axis) {
    return { ports: [[input(0), cut], ...node.outputs.map((_, i): [Port, Cut] => [output(i), cut])] };
  }
  return packed(node, from, cut, dims);
}

interface Part extends NeuronRange {
  value: Value;
}

/**
 * Parts of one packed tensor, e.g. gate and up of a gated MLP: neuron n stands in each of them. So all parts are cut
 * alike, and the packed tensor at each part's share.
 */
function packed(node: Node, from: Port, cut: Cut, dims: readonly number[]): Spread | Refusal {
  const width = dims.at(-1)!;
  const parts = node.input && partsOf(node.input, width);
  const no = refuse(`${label(node)} takes a part of the neurons`);
  if (
    cut.axis !== -1 ||
    !parts ||
    parts.some(({ start, end }) => end - start !== parts[0]!.end - parts[0]!.start)
  )
    return no;
  const size = parts[0]!.end - parts[0]!.start;
  const first = parts[0]!.start;
  let part = cut;
  if (from.side === 'input') {
    const inside = [...cut.removed].filter(([index]) => index >= first && index < first + size);
    part = {
      axis: -1,
      width: size,
      removed: new Map(inside.map(([index, neuron]) => [index - first, neuron])),
    };
  }
  if (part.width !== size || part.removed.size === 0) return no;
  const all = parts.flatMap(({ start }) => [...shifted(part, start, width).removed]);
  const whole: Cut = { axis: -1, width, removed: new Map(all.sort((a, b) => a[0] - b[0])) };
  const mine = parts.filter(({ value }) => value.producer === node);
  return {
    ports: [[input(0), whole], ...mine.map(({ value }): [Port, Cut] => [output(value.outputIndex), part])],
    edits: node.is('Split') ? splitEdits(node, part) : sliceEdits(node, part, mine[0]!, parts),
  };
}

/** All parts that Splits and Slices take of a tensor; `null` when it is read in another way too. */
function partsOf(data: Value, width: number): Part[] | null {
  const parts: Part[] = [];
  for (const { node } of data.uses) {
    if (node.is('Shape')) continue;
    for (const value of node.outputs) {
      const range = value && (node.is('Split') || node.is('Slice')) ? lastAxisRange(value, width) : null;
      if (!value || !range) return null;
      parts.push({ value, ...range });
    }
  }
  return parts.length > 0 ? parts : null;
}

function splitEdits(node: Node, part: Cut): SizeEdit[] {
  const place = node.inputs[1] ? 1 : node.ints('split') ? 'split' : null;
  if (place === null) return [];
  return node.outputs.map((_, element) => ({ node, place, element, minus: part.removed.size }));
}

/** Bounds that the file says; computed ones follow the width by themselves. */
function sliceEdits(node: Node, part: Cut, { start, end }: Part, parts: Part[]): SizeEdit[] {
  const before = (index: number) => parts.filter((other) => other.end <= index).length * part.removed.size;
  return [1, 2].flatMap((place): SizeEdit[] => {
    const bound = node.inputs[place] && constantInts(node.inputs[place])?.[0];
    const index = place === 1 ? start : end;
    return bound === index && before(index) > 0 ? [{ node, place, element: 0, minus: before(index) }] : [];
  });
}
