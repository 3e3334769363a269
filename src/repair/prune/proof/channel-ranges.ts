import type { Node } from '../../../graph/graph.js';
import { operatorOf } from '../../../graph/operators.js';
import { padsWithZeros } from './linear-ranges.js';
import type { Question } from './placed-ranges.js';
import {
  commonWidth,
  intervalAt,
  isConstantAt,
  product,
  type Ranges,
  rangesOf,
  sumOf,
  UNBOUNDED,
  uniform,
  union,
  widened,
} from './ranges.js';

/**
 * Returns the ranges of an operator on channels: pooling, which picks or averages, and a normalisation by
 * constants. `null` for other nodes, and along other axes than the channels'.
 */
export function channelRanges({
  node,
  output,
  axis,
  shapeOf,
  rangesAt,
  otherRangesAt,
}: Question): Ranges | null {
  const rank = shapeOf(output)?.length;
  const { perChannel, normalises } = operatorOf(node);
  if (!perChannel || normalises || !node.input || output.outputIndex !== 0 || axis !== 1 - (rank ?? 0))
    return null;
  const input = rangesAt(node.input, axis);
  if (perChannel.length === 0)
    return widened(averagesPadding(node) ? (union(input, uniform([0, 0])) ?? input) : input);
  return batchNormalised(
    input,
    perChannel.map((index) => otherRangesAt(node.inputs[index]!, -1)),
    node,
  );
}

/**
 * y = x · factor + shift − mean · factor, with factor = scale / √(variance + ε). Each term has an error of
 * its own.
 */
function batchNormalised(input: Ranges, constants: readonly Ranges[], node: Node): Ranges {
  const epsilon = node.float('epsilon', 1e-5);
  const width = commonWidth([input, ...constants]);
  if (width === null) return uniform(UNBOUNDED);
  const result = rangesOf(width, (n) => {
    const points = constants.map((ranges) => intervalAt(ranges, n));
    if (points.some(([low, high]) => low !== high)) return UNBOUNDED;
    const [scale, shift, mean, variance] = points.map(([number]) => number);
    const factor = scale! / Math.sqrt(variance! + epsilon);
    return sumOf([
      product(intervalAt(input, n), [factor, factor]),
      [shift!, shift!],
      [-mean! * factor, -mean! * factor],
    ]);
  });
  for (let n = 0; n < width; n++) result.isConstant[n] = isConstantAt(input, n) ? 1 : 0;
  return result;
}

/** Returns true for an average that counts zeros around the image. */
const averagesPadding = (node: Node): boolean =>
  node.is('AveragePool') && node.int('count_include_pad', 0) === 1 && padsWithZeros(node);
