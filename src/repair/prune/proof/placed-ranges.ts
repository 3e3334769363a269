import { constantInts, constantScalar } from '../../../graph/constants.js';
import type { Node, Value } from '../../../graph/graph.js';
import { operatorOf } from '../../../graph/operators.js';
import { readNumbers } from '../../../onnx/tensors.js';
import { lastAxisRange } from '../../../patterns/last-axis.js';
import { propagate } from '../removal/propagate.js';
import { type AxisRemoval, fromEnd, type ShapeOf } from '../removal/removal.js';
import {
  hull,
  intervalAt,
  isConstantAt,
  type Ranges,
  rangesOf,
  UNBOUNDED,
  uniform,
  union,
  widened,
  widthOf,
} from './ranges.js';

/** Returns the ranges of a value along an axis, counted from the end. */
type RangesAt = (value: Value, axis: number) => Ranges;

/** A question about the output of a node. */
export interface Question {
  node: Node;
  /** Output whose ranges are asked for. */
  output: Value;
  axis: number;
  shapeOf: ShapeOf;
  /** Ranges of an input in which neuron n is neuron n of the output. */
  rangesAt: RangesAt;
  /** Ranges of any other input. */
  otherRangesAt: RangesAt;
}

/**
 * Returns the ranges of the output of an operator that only places numbers elsewhere, or sums them; `null`
 * for others.
 */
export function placedRanges(question: Question): Ranges | null {
  const { node } = question;
  switch (operatorOf(node).placement) {
    case 'reshape':
    case 'transpose':
    case 'expand':
    case 'gather':
    case 'gather-nd':
    case 'gather-elements':
      return movedFrom(question, 0);
    case 'pad':
      return padded(question);
    case 'reduce':
      return node.is('ReduceSum') ? sumOfAny(movedFrom(question, 0)) : widened(movedFrom(question, 0));
    case 'scatter-nd':
    case 'scatter-elements':
      return scattered(question);
    case 'fill': {
      const value = node.tensor('value');
      const filled = value ? readNumbers(value)[0]! : 0;
      return uniform([filled, filled]);
    }
    case 'concat':
      return joined(question);
    case 'slice':
    case 'split':
      return partOf(question);
    default:
      return null;
  }
}

/**
 * Returns the ranges of numbers that come from one input. A neuron may have become a run of indices there, as
 * in [N, C, H, W] → [N, C·H·W]. Where the neurons have no axis in the input, one range holds all its numbers.
 */
function movedFrom(question: Question, index: number): Ranges {
  const { node, axis, shapeOf, rangesAt, otherRangesAt } = question;
  const value = node.inputs[index]!;
  const source = removalAt(question, index);
  const width = shapeOf(question.output)?.at(axis) ?? 0;
  if (!source || width % source.width !== 0) return hull(otherRangesAt(value, -1));
  if (source.width === width) return rangesAt(value, source.axis);
  const run = width / source.width;
  return picked(otherRangesAt(value, source.axis), width, (n) => Math.floor(n / run));
}

/** Finds the neurons' axis in an input, as the removal of no neuron shows it. */
function removalAt({ node, output, axis, shapeOf }: Question, index: number): AxisRemoval | null {
  const width = shapeOf(output)?.at(axis);
  if (width === undefined) return null;
  const removal = { axis, width, removed: new Map<number, number>() };
  const found = propagate({ node, from: { side: 'output', index: output.outputIndex }, removal, shapeOf });
  if ('reason' in found) return null;
  return found.removals.find(([to]) => to.side === 'input' && to.index === index)?.[1] ?? null;
}

function picked(ranges: Ranges, width: number, indexOf: (neuron: number) => number): Ranges {
  if (widthOf(ranges) === 1) return ranges;
  const result = rangesOf(width, (n) => intervalAt(ranges, indexOf(n)));
  for (let n = 0; n < width; n++) result.isConstant[n] = isConstantAt(ranges, indexOf(n)) ? 1 : 0;
  return result;
}

/** Returns the ranges of sums of an unknown number of terms: only their sign is known. */
export function sumOfAny(terms: Ranges): Ranges {
  return rangesOf(widthOf(terms), (n) => {
    const [low, high] = intervalAt(terms, n);
    return [low >= 0 ? 0 : -Infinity, high <= 0 ? 0 : Infinity];
  });
}

function padded(question: Question): Ranges {
  const { node } = question;
  const ranges = movedFrom(question, 0);
  if (node.string('mode', 'constant') !== 'constant') return ranges;
  const value = node.inputs[2] ? constantScalar(node.inputs[2]) : node.float('value', 0);
  return value === null ? uniform(UNBOUNDED) : (union(ranges, uniform([value, value])) ?? uniform(UNBOUNDED));
}

/** Data and updates, or sums of them. */
function scattered(question: Question): Ranges {
  const reduction = question.node.string('reduction', 'none');
  const all = union(movedFrom(question, 0), movedFrom(question, 2));
  if (!all || reduction === 'mul') return uniform(UNBOUNDED);
  return reduction === 'add' ? sumOfAny(all) : all;
}

function joined({ node, output, axis, shapeOf, rangesAt, otherRangesAt }: Question): Ranges {
  const rank = shapeOf(output)?.length ?? 0;
  const inputs = node.inputs.filter((value) => value !== null);
  if (fromEnd(node.int('axis', 0), rank) !== axis) {
    const [first, ...others] = inputs.map((value) => rangesAt(value, axis));
    return others.reduce((all, ranges) => union(all, ranges) ?? uniform(UNBOUNDED), first!);
  }
  const owners = inputs.flatMap((value) => {
    const ranges = otherRangesAt(value, axis);
    return Array.from({ length: shapeOf(value)?.at(axis) ?? 0 }, (_, index) => ({ ranges, index }));
  });
  const result = rangesOf(owners.length, (n) => intervalAt(owners[n]!.ranges, owners[n]!.index));
  for (const [n, { ranges, index }] of owners.entries())
    result.isConstant[n] = isConstantAt(ranges, index) ? 1 : 0;
  return result;
}

/**
 * A part of one axis: neurons [start, end) of the input where it is the neurons' axis, all of them where it
 * is another.
 */
function partOf({ node, output, axis, shapeOf, rangesAt, otherRangesAt }: Question): Ranges {
  const input = node.input!;
  const [before, after] = [shapeOf(input)?.at(axis), shapeOf(output)?.at(axis)];
  const steps = node.is('Slice') && node.inputs[4] ? constantInts(node.inputs[4]) : [1];
  const isForward = steps?.every((step) => step > 0) ?? false;
  if (isForward && before !== undefined && before === after) return rangesAt(input, axis);
  const part = axis === -1 && before ? lastAxisRange(output, before) : null;
  if (!part) return hull(otherRangesAt(input, axis));
  return picked(otherRangesAt(input, axis), part.end - part.start, (n) => part.start + n);
}
