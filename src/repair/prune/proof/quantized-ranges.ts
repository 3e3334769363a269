import { constantTensor } from '../../../graph/constants.js';
import type { Node, Value } from '../../../graph/graph.js';
import { DataType } from '../../../onnx/data-types.js';
import { readNumbers } from '../../../onnx/tensors.js';
import { fromEnd } from '../removal/removal.js';
import type { Question } from './placed-ranges.js';
import {
  type Interval,
  intervalAt,
  isConstantAt,
  product,
  type Ranges,
  rangesOf,
  UNBOUNDED,
  uniform,
  widened,
  widthOf,
} from './ranges.js';

/** Least and largest code of the types that activations are quantized to. */
const codeLimits: Record<number, Interval> = {
  [DataType.UINT8]: [0, 255],
  [DataType.INT8]: [-128, 127],
  [DataType.UINT16]: [0, 65_535],
  [DataType.INT16]: [-32_768, 32_767],
};

/**
 * Returns the ranges of a DequantizeLinear: of stored codes, or of numbers that a QuantizeLinear has just
 * rounded to multiples of its scale and clipped. `null` for other nodes.
 */
export function quantizedRanges(question: Question): Ranges | null {
  const { node, rangesAt, axis } = question;
  if (!/^(De)?QuantizeLinear$|^DynamicQuantizeLinear$/i.test(node.opType)) return null;
  const quantizer = node.input?.producer;
  if (node.opType !== 'DequantizeLinear' || !node.input) return uniform(UNBOUNDED);
  if (constantTensor(node.input)) return decodedRanges(question, node.input);
  if (quantizer?.opType !== 'QuantizeLinear' || !quantizer.input) return uniform(UNBOUNDED);
  const grid = gridOf(node);
  if (!grid || !isSameGrid(grid, gridOf(quantizer))) return uniform(UNBOUNDED);
  const input = rangesAt(quantizer.input, axis);
  const { scale, limits } = grid;
  const clip = (value: number) => Math.min(Math.max(value, limits[0] * scale), limits[1] * scale);
  const result = rangesOf(widthOf(input), (n) => {
    const [low, high] = intervalAt(input, n);
    return [clip(Math.floor(low / scale) * scale), clip(Math.ceil(high / scale) * scale)];
  });
  for (let n = 0; n < widthOf(input); n++) if (isConstantAt(input, n)) result.isConstant[n] = 1;
  return widened(result);
}

/**
 * Numbers that one scale and zero point can express: multiples of the scale within limits, which are counted
 * in scales.
 */
interface Grid {
  scale: number;
  limits: Interval;
}

/** Returns the grid of a quantizer with one stored scale; `null` for others. */
function gridOf({ inputs }: Node): Grid | null {
  const scale = inputs[1] && numbersOf(inputs[1]);
  const zeroPoint = inputs[2] && constantTensor(inputs[2]);
  const zero = zeroPoint ? readNumbers(zeroPoint) : [0];
  const limits = codeLimits[zeroPoint?.dataType ?? DataType.UINT8];
  if (scale?.length !== 1 || zero.length !== 1 || (inputs[2] && !zeroPoint) || !limits || !(scale[0]! > 0))
    return null;
  return { scale: scale[0]!, limits: [limits[0] - zero[0]!, limits[1] - zero[0]!] };
}

function isSameGrid(a: Grid, b: Grid | null): boolean {
  return a.scale === b?.scale && a.limits[0] === b.limits[0] && a.limits[1] === b.limits[1];
}

/** (code − zero point) · scale of stored codes, with one scale or one along the asked axis. */
function decodedRanges({ node, axis, rangesAt, shapeOf }: Question, codes: Value): Ranges {
  const scales = node.inputs[1] && numbersOf(node.inputs[1]);
  const zeros = node.inputs[2] ? numbersOf(node.inputs[2]) : Float64Array.of(0);
  const rank = shapeOf(codes)?.length ?? 0;
  const isPerNeuron = fromEnd(node.int('axis', 1), rank) === axis;
  if (!scales || !zeros || node.int('block_size', 0) > 0) return uniform(UNBOUNDED);
  if (!isPerNeuron && (scales.length > 1 || zeros.length > 1)) return uniform(UNBOUNDED);
  const ranges = rangesAt(codes, axis);
  return rangesOf(Math.max(widthOf(ranges), scales.length), (n) => {
    const scale = scales[scales.length === 1 ? 0 : n]!;
    const zero = zeros[zeros.length === 1 ? 0 : n]!;
    const [low, high] = intervalAt(ranges, n);
    return product([low - zero, high - zero], [scale, scale]);
  });
}

function numbersOf(value: Value): ArrayLike<number> | null {
  const tensor = constantTensor(value);
  return tensor ? readNumbers(tensor) : null;
}
