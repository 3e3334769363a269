import type { Node } from '../../../graph/graph.js';
import { operatorOf } from '../../../graph/operators.js';
import { DataType, isFloat } from '../../../onnx/data-types.js';
import {
  commonWidth,
  type Interval,
  intervalAt,
  isConstantAt,
  product,
  type Ranges,
  rangesOf,
  UNBOUNDED,
  uniform,
  widened,
} from './ranges.js';

/**
 * Returns the ranges of a function of each element, given those of its operands. A neuron is constant if all
 * its operands are, or if the function has one value on their ranges: Relu on [−3, 0].
 *
 * @param operands `null` for one that the file leaves out.
 */
export function imageOf(node: Node, operands: readonly (Ranges | null)[]): Ranges {
  const present = operands.filter((ranges) => ranges !== null);
  const width = commonWidth(present);
  if (width === null || present.length === 0) return uniform(boundsOf(node));
  const image = rangesOf(width, (n) =>
    within(
      intervalImage(
        node,
        operands.map((ranges) => ranges && intervalAt(ranges, n)),
      ),
      boundsOf(node),
    ),
  );
  for (let n = 0; n < width; n++) {
    if (present.every((ranges) => isConstantAt(ranges, n))) image.isConstant[n] = 1;
  }
  return widened(image);
}

/** Returns the least and largest output of an operator, whatever its inputs are. */
export function boundsOf(node: Node): Interval {
  return operatorOf(node).bounds ?? UNBOUNDED;
}

function intervalImage(node: Node, operands: readonly (Interval | null)[]): Interval {
  const { formula, rises } = operatorOf(node);
  if (node.is('Cast') && !isFloat(node.int('to', 0))) {
    return node.int('to', 0) === DataType.BOOL ? [0, 1] : UNBOUNDED;
  }
  if (formula && (rises === true || rises?.(node))) {
    const at = (side: 0 | 1) =>
      formula(
        operands.map((operand) => operand?.[side] as number),
        node,
      );
    return [at(0), at(1)];
  }
  const special = node.domain === '' ? images[node.opType] : undefined;
  return special?.(operands.map((operand) => operand ?? UNBOUNDED)) ?? UNBOUNDED;
}

/** Images of functions that do not rise everywhere; `null` where nothing is known. */
const images: Record<string, (operands: Interval[]) => Interval | null> = {
  Neg: ([[low, high] = UNBOUNDED]) => [-high, -low],
  Abs: ([a = UNBOUNDED]) => [smallest(a), largest(a)],
  Sub: ([[la, ha] = UNBOUNDED, [lb, hb] = UNBOUNDED]) => [la - hb, ha - lb],
  Mul: ([a = UNBOUNDED, b = UNBOUNDED]) => product(a, b),
  Div: ([a = UNBOUNDED, b = UNBOUNDED]) => product(a, reciprocal(b)),
  Reciprocal: ([a = UNBOUNDED]) => reciprocal(a),
  Pow: ([a = UNBOUNDED, [exponent, same] = UNBOUNDED]) => (exponent === same ? power(a, exponent) : null),
  Where: ([, [la, ha] = UNBOUNDED, [lb, hb] = UNBOUNDED]) => [Math.min(la, lb), Math.max(ha, hb)],
  HardSwish: ([[, high] = UNBOUNDED]) => (high <= -3 ? [0, 0] : null),
};

const smallest = ([low, high]: Interval): number =>
  low <= 0 && high >= 0 ? 0 : Math.min(Math.abs(low), Math.abs(high));

const largest = ([low, high]: Interval): number => Math.max(Math.abs(low), Math.abs(high));

/** A divisor is never 0: the model computes finite numbers. */
function reciprocal([low, high]: Interval): Interval {
  if (low >= 0) return [high === Infinity ? 0 : 1 / high, low === 0 ? Infinity : 1 / low];
  if (high <= 0) return [high === 0 ? -Infinity : 1 / high, low === -Infinity ? 0 : 1 / low];
  return UNBOUNDED;
}

function power(base: Interval, exponent: number): Interval | null {
  if (exponent > 0 && exponent % 2 === 0) return [smallest(base) ** exponent, largest(base) ** exponent];
  if (base[0] < 0) return null;
  const ends: Interval = [base[0] ** exponent, base[1] ** exponent];
  return exponent >= 0 ? ends : [ends[1], ends[0]];
}

function within([low, high]: Interval, [least, most]: Interval): Interval {
  if (Number.isNaN(low) || Number.isNaN(high)) return [least, most];
  return [Math.max(low, least), Math.min(high, most)];
}
