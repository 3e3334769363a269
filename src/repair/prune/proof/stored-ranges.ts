import { DataType } from '../../../onnx/data-types.js';
import { elementCount, readElements } from '../../../onnx/tensors.js';
import type { TensorProto } from '../../../onnx/types.js';
import { type Ranges, rangesOf, UNBOUNDED, uniform } from './ranges.js';

/** Elements read at a time. */
const BLOCK_ELEMENTS = 1 << 18;

/**
 * Largest tensor that is read for its ranges: biases and scales are smaller, embeddings are not worth the
 * time.
 */
const MOST_ELEMENTS = 1 << 22;

const notNumbers = new Set<number>([
  DataType.STRING,
  DataType.COMPLEX64,
  DataType.COMPLEX128,
  DataType.UNDEFINED,
]);

/** Returns the ranges of a stored tensor along an axis, counted from the end. */
export function storedRanges(tensor: TensorProto, axis: number): Ranges {
  const dims = tensor.dims.map(Number);
  const count = elementCount(tensor);
  if (count === 0 || count > MOST_ELEMENTS || notNumbers.has(tensor.dataType ?? 0)) return uniform(UNBOUNDED);
  const width = dims.at(axis) ?? 1;
  const inner = -axis > dims.length ? count : dims.slice(dims.length + axis + 1).reduce((a, b) => a * b, 1);
  const low = new Float64Array(width).fill(Infinity);
  const high = new Float64Array(width).fill(-Infinity);
  for (let start = 0; start < count; start += BLOCK_ELEMENTS) {
    const numbers = readElements(tensor, { start, end: Math.min(count, start + BLOCK_ELEMENTS) });
    for (let i = 0; i < numbers.length; i++) {
      const neuron = Math.floor((start + i) / inner) % width;
      const number = numbers[i]!;
      // Comparisons with NaN are false: it is told apart.
      if (Number.isNaN(number)) return uniform(UNBOUNDED);
      if (number < low[neuron]!) low[neuron] = number;
      if (number > high[neuron]!) high[neuron] = number;
    }
  }
  return rangesOf(width, (n) => [low[n]!, high[n]!]);
}
