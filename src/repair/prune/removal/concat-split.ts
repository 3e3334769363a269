import { constantInts } from '../../../graph/constants.js';
import type { Node, Value } from '../../../graph/graph.js';
import { lastAxisRange, type NeuronRange } from '../../../patterns/last-axis.js';
import {
  type Arrival,
  type AxisRemoval,
  type Endpoint,
  fromEnd,
  input,
  label,
  output,
  type Propagation,
  type Refusal,
  refuse,
  type SizeEdit,
  shifted,
  unchanged,
  unknownSizes,
  within,
} from './removal.js';

/** Carries a removal through a Concat: along the neurons' axis each input has its share of the indices. */
export function throughConcat({ node, from, removal, shapeOf }: Arrival): Propagation | Refusal {
  const shapes = node.inputs.map((value) => value && shapeOf(value));
  const rank = shapes[0]?.length;
  if (rank === undefined || shapes.some((shape) => !shape)) return unknownSizes(node);
  const axis = fromEnd(node.int('axis', 0), rank);
  if (axis !== removal.axis) {
    const all = [...node.inputs.keys()].map(input);
    return { removals: [...all, output()].map((endpoint) => [endpoint, removal]) };
  }
  const widths = shapes.map((shape) => shape!.at(axis)!);
  const starts = widths.map((_, i) => sum(widths.slice(0, i)));
  if (from.side === 'input') {
    return { removals: [[output(), shifted(removal, starts[from.index]!, sum(widths))]] };
  }
  const removals = widths.map((width, i): [Endpoint, AxisRemoval] => [
    input(i),
    within(removal, starts[i]!, width),
  ]);
  return { removals: removals.filter(([, { removed }]) => removed.size > 0) };
}

const sum = (list: readonly number[]): number => list.reduce((total, n) => total + n, 0);

/** Carries a removal through a Slice, of another axis or of the neurons'. */
export function throughSlice(arrival: Arrival): Propagation | Refusal {
  const { node, removal, shapeOf } = arrival;
  const [before, after] = [node.input, node.outputs[0]].map((value) => value && shapeOf(value));
  if (!before || !after) return unknownSizes(node);
  if (before.at(removal.axis) !== after.at(removal.axis)) return throughPart(arrival, before);
  const steps = node.inputs[4] ? constantInts(node.inputs[4]) : [1];
  return steps?.every((step) => step > 0) ? unchanged(removal) : refuse(`${label(node)} reverses an axis`);
}

/**
 * Carries a removal through a Split: along another axis all parts have the neurons, along theirs each has its
 * share.
 */
export function throughSplit(arrival: Arrival): Propagation | Refusal {
  const { node, removal, shapeOf } = arrival;
  const shape = node.input && shapeOf(node.input);
  if (!shape) return unknownSizes(node);
  if (fromEnd(node.int('axis', 0), shape.length) === removal.axis) return throughPart(arrival, shape);
  const parts = [...node.outputs.keys()].map(output);
  return { removals: [input(0), ...parts].map((endpoint) => [endpoint, removal]) };
}

/** A part of a packed tensor: neurons [start, end) of it. */
interface Part extends NeuronRange {
  value: Value;
}

/**
 * Carries a removal through one part of a packed tensor, for example the gate of a gated MLP: [positions,
 * gate + up]. Neuron n stands at index n of each part. So all parts lose the same indices, and the packed
 * tensor loses them at each.
 */
function throughPart({ node, from, removal }: Arrival, shape: readonly number[]): Propagation | Refusal {
  const packedWidth = shape.at(-1)!;
  const parts = node.input && partsOf(node.input, packedWidth);
  const refusal = refuse(`${label(node)} takes a part of the neurons`);
  if (removal.axis !== -1 || !parts) return refusal;
  const first = parts[0]!;
  const width = first.end - first.start;
  if (parts.some(({ start, end }) => end - start !== width)) return refusal;
  const part = from.side === 'input' ? within(removal, first.start, width) : removal;
  if (part.width !== width || part.removed.size === 0) return refusal;
  const removed = parts.flatMap(({ start }) => [...shifted(part, start, packedWidth).removed]);
  const packed = { axis: -1, width: packedWidth, removed: new Map(removed.sort((a, b) => a[0] - b[0])) };
  const own = parts.filter(({ value }) => value.producer === node);
  return {
    removals: [
      [input(0), packed],
      ...own.map(({ value }): [Endpoint, AxisRemoval] => [output(value.outputIndex), part]),
    ],
    sizeEdits: node.is('Split') ? splitEdits(node, part) : sliceEdits(node, part, own[0]!, parts),
  };
}

/** Returns all parts that Splits and Slices take of a tensor; `null` when it is also read in another way. */
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

function splitEdits(node: Node, { removed }: AxisRemoval): SizeEdit[] {
  const holder = node.inputs[1] ? 1 : node.ints('split') ? 'split' : null;
  if (holder === null) return [];
  return [...node.outputs.keys()].map((element) => ({ node, holder, element, decrease: removed.size }));
}

/** Edits the start and end that the file states; computed ones follow the width by themselves. */
function sliceEdits(
  node: Node,
  { removed }: AxisRemoval,
  own: NeuronRange,
  parts: readonly Part[],
): SizeEdit[] {
  return [own.start, own.end].flatMap((bound, i): SizeEdit[] => {
    const holder = 1 + i;
    const stated = node.inputs[holder] && constantInts(node.inputs[holder])?.[0];
    const decrease = parts.filter(({ end }) => end <= bound).length * removed.size;
    return stated === bound && decrease > 0 ? [{ node, holder, element: 0, decrease }] : [];
  });
}
