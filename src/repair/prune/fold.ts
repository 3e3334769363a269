import { constantTensor } from '../../graph/constants.js';
import type { Value } from '../../graph/graph.js';
import { DataType, isFloat } from '../../onnx/data-types.js';
import { elementCount, readElements, readNumbers } from '../../onnx/tensors.js';
import type { TensorProto } from '../../onnx/types.js';
import type { LinearEnd } from './cut.js';

/** Elements read at a time. */
const BLOCK_ELEMENTS = 1 << 18;

/**
 * What constant inputs add to every output of a linear layer: Σ_n c[n] · W[n, out], summed over the kernel of a
 * convolution. Only weights of inputs that are not zero are used; the tensor is read in blocks.
 *
 * @param constants Index along the layer's input → its value.
 * @returns [outputs]; `null` when the weights are not stored as they are multiplied.
 */
export function contribution(end: LinearEnd, constants: ReadonlyMap<number, number>): Float64Array | null {
  const stored = storedAs(end.operand, end.inAxis, end.outAxis);
  if (!stored) return null;
  const { tensor, inAxis, outAxis, decode } = stored;
  const dims = tensor.dims.map(Number);
  const sums = new Float64Array(dims[outAxis]!);
  const used = new Map([...constants].filter(([, value]) => value !== 0));
  if (used.size === 0) return sums;
  const stride = (axis: number) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const [inStride, outStride] = [stride(inAxis), stride(outAxis)];
  const factor = new Float64Array(dims[inAxis]!);
  for (const [index, value] of used) factor[index] = value;
  const add = (start: number, end: number): void => {
    const numbers = readElements(tensor, { start, end });
    for (let i = 0; i < numbers.length; i++) {
      const input = Math.floor((start + i) / inStride) % dims[inAxis]!;
      if (factor[input] === 0) continue;
      const output = Math.floor((start + i) / outStride) % dims[outAxis]!;
      sums[output]! += factor[input]! * decode(numbers[i]!, input, output);
    }
  };
  // Where an input's weights lie together only they are read.
  if (inAxis === 0) for (const index of used.keys()) inBlocks(index * inStride, (index + 1) * inStride, add);
  else inBlocks(0, elementCount(tensor), add);
  return scaled(sums, end);
}

function inBlocks(start: number, end: number, each: (start: number, end: number) => void): void {
  for (let at = start; at < end; at += BLOCK_ELEMENTS) each(at, Math.min(end, at + BLOCK_ELEMENTS));
}

/** `alpha` of Gemm and FusedMatMul. */
function scaled(sums: Float64Array, { node }: LinearEnd): Float64Array {
  const alpha = node.float('alpha', 1);
  return alpha === 1 ? sums : sums.map((sum) => sum * alpha);
}

interface Stored {
  tensor: TensorProto;
  inAxis: number;
  outAxis: number;
  decode(code: number, input: number, output: number): number;
}

/** The tensor behind a weight operand, and how its elements become numbers. */
function storedAs(operand: Value, inAxis: number, outAxis: number): Stored | null {
  const tensor = constantTensor(operand);
  if (tensor) {
    const rank = tensor.dims.length;
    if (inAxis < -rank || outAxis < -rank) return null;
    return { tensor, inAxis: inAxis + rank, outAxis: outAxis + rank, decode: (code) => code };
  }
  const node = operand.producer;
  const source = node?.input;
  if (!node || !source || (node.domain !== '' && node.domain !== 'com.microsoft')) return null;
  switch (node.opType) {
    case 'Identity':
      return storedAs(source, inAxis, outAxis);
    case 'Cast':
      return isFloat(node.int('to', 0)) ? storedAs(source, inAxis, outAxis) : null;
    case 'Transpose': {
      const perm = node.ints('perm') ?? [1, 0];
      const before = (axis: number) => perm[axis + perm.length]! - perm.length;
      return storedAs(source, before(inAxis), before(outAxis));
    }
    case 'DequantizeLinear': {
      const stored = storedAs(source, inAxis, outAxis);
      const [, scale, zero] = node.inputs;
      const scales = scale && constantTensor(scale);
      const zeros = zero && constantTensor(zero);
      if (!stored || !scales || (zero && !zeros) || node.int('block_size', 0) > 0) return null;
      const [s, z] = [readNumbers(scales), zeros ? readNumbers(zeros) : Float64Array.of(0)];
      const given = node.int('axis', 1);
      const axis = given < 0 ? given : given - stored.tensor.dims.length;
      if (s.length > 1 && axis !== inAxis && axis !== outAxis) return null;
      const pick = (list: ArrayLike<number>, input: number, output: number) =>
        list[list.length === 1 ? 0 : axis === inAxis ? input : output]!;
      return {
        ...stored,
        decode: (code, input, output) => (code - pick(z, input, output)) * pick(s, input, output),
      };
    }
    default:
      return null;
  }
}

/** The floating-point type in which a weight operand is multiplied. */
export function elemTypeOf(operand: Value): number {
  const node = operand.producer;
  const tensor = constantTensor(operand);
  if (tensor) return tensor.dataType ?? DataType.FLOAT;
  if (node?.is('Cast')) return node.int('to', DataType.FLOAT);
  const next = node?.opType === 'DequantizeLinear' ? node.inputs[1] : node?.input;
  return next ? elemTypeOf(next) : DataType.FLOAT;
}
