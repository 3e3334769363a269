import { constantInts, constantScalar } from '../../../graph/constants.js';
import type { Node, Value } from '../../../graph/graph.js';
import { operatorOf } from '../../../graph/operators.js';
import { fromEnd, type ShapeOf } from '../removal/removal.js';
import type { Question } from './placed-ranges.js';
import {
  type Interval,
  intervalAt,
  type Ranges,
  rangesOf,
  sumOf,
  times,
  uniform,
  widened,
} from './ranges.js';

/**
 * Returns the ranges of a normalisation over the n neurons of the last axis; `null` for other nodes. Whatever the data are,
 * |x − mean| / deviation is at most √n, so the output is within ±√n · scale + shift.
 */
export function normalisedRanges(question: Question): Ranges | null {
  const { node, output, axis, shapeOf, otherRangesAt } = question;
  const width = shapeOf(output)?.at(-1);
  if (!width || output.outputIndex !== 0) return null;
  const reach = Math.sqrt(width);
  if (dividesByRootMeanSquare(node, shapeOf)) return widened(uniform([-reach, reach]));
  const { affine } = operatorOf(node);
  const rank = shapeOf(output)!.length;
  if (!affine || axis !== -1 || fromEnd(node.int('axis', -1), rank) !== -1) return null;
  const at = (index: number | undefined, otherwise: number): ((neuron: number) => Interval) => {
    const value = index === undefined ? null : node.inputs[index];
    const ranges = value && otherRangesAt(value, -1);
    return (neuron) => (ranges ? intervalAt(ranges, neuron) : [otherwise, otherwise]);
  };
  const [scale, shift] = [at(affine.scale, 1), at(affine.shift, 0)];
  return rangesOf(width, (n) => {
    const [least, most] = scale(n);
    const largest = times(reach, Math.max(Math.abs(least), Math.abs(most)));
    return sumOf([[-largest, largest], shift(n)]);
  });
}

/**
 * Returns true for x / √(mean(x²) + ε) over the last axis, as exporters write a normalisation out. x is
 * centred before in a LayerNorm and not in an RMSNorm; the bound is the same.
 */
function dividesByRootMeanSquare(node: Node, shapeOf: ShapeOf): boolean {
  const [a, b] = node.inputs;
  if (!a || !b) return false;
  if (node.is('Div')) return isRootMeanSquare(b, a, shapeOf);
  if (!node.is('Mul')) return false;
  const isInverse = (value: Value, x: Value): boolean => {
    const { producer } = value;
    const [first, second] = producer?.inputs ?? [];
    const root = producer?.is('Reciprocal') ? first : producer?.is('Div') && isOne(first) ? second : null;
    return !!root && isRootMeanSquare(root, x, shapeOf);
  };
  return isInverse(a, b) || isInverse(b, a);
}

const isOne = (value: Value | null | undefined): boolean => !!value && constantScalar(value) === 1;

function isRootMeanSquare(value: Value, x: Value, shapeOf: ShapeOf): boolean {
  const root = value.producer;
  if (!root?.is('Sqrt')) return false;
  const sum = root.input?.producer;
  const addends = sum?.is('Add') ? sum.inputs : [root.input];
  return addends.some((addend) => {
    const mean = addend?.producer;
    if (!mean?.is('ReduceMean') || !mean.input) return false;
    return isOverLastAxis(mean, shapeOf) && isSquareOf(mean.input, x) && isNotNegative(addends, addend!);
  });
}

/** ε, the other addend, is a number of at least 0. */
function isNotNegative(addends: readonly (Value | null)[], mean: Value): boolean {
  const other = addends.find((addend) => addend !== mean);
  return !other || (constantScalar(other) ?? -1) >= 0;
}

function isSquareOf(value: Value, x: Value): boolean {
  const node = value.producer;
  if (node?.is('Mul')) return node.inputs.every((operand) => operand === x);
  if (!node?.is('Pow') || node.input !== x || !node.inputs[1]) return false;
  return constantScalar(node.inputs[1]) === 2;
}

function isOverLastAxis(node: Node, shapeOf: ShapeOf): boolean {
  const axes = node.ints('axes') ?? (node.inputs[1] ? constantInts(node.inputs[1]) : null);
  const rank = node.input && shapeOf(node.input)?.length;
  return axes?.length === 1 && !!rank && fromEnd(axes[0]!, rank) === -1;
}
