import { constantInts } from '../../../graph/constants.js';
import type { Node } from '../../../graph/graph.js';
import { operatorOf, type Placement } from '../../../graph/operators.js';
import { throughConcat, throughSlice, throughSplit } from './concat-split.js';
import {
  type Arrival,
  type AxisRemoval,
  type Endpoint,
  fromEnd,
  input,
  label,
  neuronsAt,
  output,
  type Propagation,
  type Refusal,
  refuse,
  unchanged,
  unknownSizes,
} from './removal.js';
import { reshaped } from './reshape.js';
import { withSizeEdit } from './sizes.js';

/** Carries a removal through an operator that places elements elsewhere; `null` for other nodes. */
export function throughPlacement(arrival: Arrival): Propagation | Refusal | null {
  const { placement } = operatorOf(arrival.node);
  return placement ? rules[placement](arrival) : null;
}

const rules: Record<Placement, (arrival: Arrival) => Propagation | Refusal> = {
  reshape: throughReshape,
  transpose: throughTranspose,
  expand: throughExpand,
  fill: (arrival) => withSizeEdit(arrival, 0, arrival.removal, []),
  gather: throughGather,
  'gather-nd': (arrival) => throughTrailing(arrival, [0]),
  'scatter-nd': (arrival) => throughTrailing(arrival, [0, 2]),
  'gather-elements': (arrival) => throughElementsByIndex(arrival, [0, 1]),
  'scatter-elements': (arrival) => throughElementsByIndex(arrival, [0, 1, 2]),
  pad: throughPad,
  reduce: throughReduce,
  concat: throughConcat,
  slice: throughSlice,
  split: throughSplit,
};

function throughReshape(arrival: Arrival): Propagation | Refusal {
  const { node, from, removal, shapeOf } = arrival;
  const [before, after] = [node.input, node.outputs[0]].map((value) => value && shapeOf(value));
  if (!before || !after) return unknownSizes(node);
  const isDownstream = from.side === 'input';
  const other = isDownstream ? reshaped(removal, before, after) : reshaped(removal, after, before);
  if (!other) return refuse(`${label(node)} joins or splits the neurons' axis with others`);
  const removals: Propagation['removals'] = [[isDownstream ? output() : input(0), other]];
  return node.is('Reshape')
    ? withSizeEdit(arrival, 1, isDownstream ? other : removal, removals)
    : { removals };
}

function throughTranspose({ node, from, removal, shapeOf }: Arrival): Propagation | Refusal {
  const value = from.side === 'input' ? node.input : node.outputs[0];
  const rank = (value && shapeOf(value)?.length) ?? node.ints('perm')?.length;
  if (!rank) return unknownSizes(node);
  const perm = node.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const axis = rank + removal.axis;
  return from.side === 'input'
    ? { removals: [[output(), { ...removal, axis: perm.indexOf(axis) - rank }]] }
    : { removals: [[input(0), { ...removal, axis: perm[axis]! - rank }]] };
}

function throughExpand(arrival: Arrival): Propagation | Refusal {
  const { node, from, removal, shapeOf } = arrival;
  const found = from.side === 'input' ? 'present' : neuronsAt(node.input && shapeOf(node.input), removal);
  if (found === 'unknown') return unknownSizes(node);
  const removals: Propagation['removals'] = [[output(), removal]];
  if (found === 'present') removals.push([input(0), removal]);
  return withSizeEdit(arrival, 1, removal, removals);
}

/** Passes Gather, which replaces one axis of the data by the axes of the indices. */
function throughGather({ node, from, removal, shapeOf }: Arrival): Propagation | Refusal {
  const [data, indices] = [node.inputs[0], node.inputs[1]].map((value) => value && shapeOf(value));
  if (!data || !indices) return unknownSizes(node);
  const axis = fromEnd(node.int('axis', 0), data.length);
  // The axes in front of the gathered one are counted from the end: they move by the axes that are added.
  const added = indices.length - 1;
  const isGathered =
    from.side === 'input' ? removal.axis === axis : removal.axis <= axis && removal.axis >= axis - added;
  if (isGathered || isIndex(from)) return refuse(`${label(node)} picks some of the neurons`);
  const inData = from.side === 'output' && removal.axis < axis - added ? removal.axis + added : removal.axis;
  const inOutput = inData < axis ? inData - added : inData;
  return {
    removals: [
      [input(0), { ...removal, axis: inData }],
      [output(), { ...removal, axis: inOutput }],
    ],
  };
}

/** Passes GatherND and ScatterND: they index the first axes of the data and keep the trailing ones. */
function throughTrailing({ node, from, removal, shapeOf }: Arrival, inputs: number[]): Propagation | Refusal {
  const [data, indices] = [node.inputs[0], node.inputs[1]].map((value) => value && shapeOf(value));
  const indexed = indices?.at(-1);
  if (!data || indexed === undefined) return unknownSizes(node);
  if (isIndex(from) || data.length + removal.axis < indexed + node.int('batch_dims', 0)) {
    return refuse(`${label(node)} picks some of the neurons`);
  }
  return everywhere(inputs, removal);
}

/** Returns true at the indices of Gather, GatherND and ScatterND: neurons that are indices are mixed. */
const isIndex = ({ side, index }: Endpoint): boolean => side === 'input' && index === 1;

/**
 * Passes GatherElements and ScatterElements: all operands have the neurons, and the indices go along another
 * axis.
 */
function throughElementsByIndex(
  { node, removal, shapeOf }: Arrival,
  inputs: number[],
): Propagation | Refusal {
  const data = node.input && shapeOf(node.input);
  if (!data) return unknownSizes(node);
  if (fromEnd(node.int('axis', 0), data.length) === removal.axis) {
    return refuse(`${label(node)} picks some of the neurons`);
  }
  const haveNeurons = inputs.every((index) => {
    const value = node.inputs[index];
    return value && neuronsAt(shapeOf(value), removal) === 'present';
  });
  return haveNeurons ? everywhere(inputs, removal) : unknownSizes(node);
}

function everywhere(inputs: number[], removal: AxisRemoval): Propagation {
  return { removals: [...inputs.map(input), output()].map((endpoint) => [endpoint, removal]) };
}

function throughPad({ node, removal, shapeOf }: Arrival): Propagation | Refusal {
  const shapes = [node.input, node.outputs[0]].map((value) => value && shapeOf(value));
  const isKept = shapes.every((shape) => shape?.at(removal.axis) === removal.width);
  return isKept ? unchanged(removal) : refuse(`${label(node)} changes the neurons' axis`);
}

/** Passes ReduceSum and its like over other axes than the neurons'. */
function throughReduce({ node, from, removal, shapeOf }: Arrival): Propagation | Refusal {
  const rank = (node.input && shapeOf(node.input))?.length;
  const axes = reducedAxes(node);
  if (rank === undefined || !axes) return unknownSizes(node);
  const reduced = new Set(axes.map((axis) => fromEnd(axis, rank) + rank));
  const kept = Array.from({ length: rank }, (_, i) => i).filter((i) => !reduced.has(i));
  const keepsRank = node.int('keepdims', 1) === 1;
  const inAxis =
    from.side === 'input' || keepsRank ? rank + removal.axis : (kept[kept.length + removal.axis] ?? -1);
  if (reduced.size === 0 || reduced.has(inAxis) || inAxis < 0) {
    return refuse(`${label(node)} sums over the neurons`);
  }
  const outAxis = keepsRank ? inAxis - rank : kept.indexOf(inAxis) - kept.length;
  return {
    removals: [
      [input(0), { ...removal, axis: inAxis - rank }],
      [output(), { ...removal, axis: outAxis }],
    ],
  };
}

/** Returns the axes that a Reduce operator names, none for all axes; `null` when they are computed. */
function reducedAxes(node: Node): number[] | null {
  return node.ints('axes') ?? (node.inputs[1] ? constantInts(node.inputs[1]) : []);
}
