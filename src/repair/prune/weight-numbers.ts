import { constantTensor } from '../../graph/constants.js';
import type { Node, Value } from '../../graph/graph.js';
import { operatorOf } from '../../graph/operators.js';
import { DataType } from '../../onnx/data-types.js';
import { elementCount, readElements, readNumbers } from '../../onnx/tensors.js';
import type { TensorProto } from '../../onnx/types.js';
import { type Decoding, storedAxis, storedWeight } from '../../patterns/weights.js';

/** Elements read at a time. */
const BLOCK_ELEMENTS = 1 << 18;

/**
 * A stored weight as the numbers W[input, output] that a layer multiplies by. Convolutions have several for
 * each pair.
 */
export interface WeightNumbers {
  inputs: number;
  outputs: number;
  /** Weights of each output: `inputs`, times the size of a kernel. */
  fanIn: number;
  /**
   * Calls `each` with every number, or with those of some inputs or outputs. The tensor is read in blocks.
   */
  read(each: (number: number, input: number, output: number) => void, only?: OnlyThese): void;
}

/** Inputs and outputs whose weights are wanted; left out: all. */
interface OnlyThese {
  inputs?: ReadonlySet<number>;
  outputs?: ReadonlySet<number>;
}

/**
 * Returns the numbers of the weight that a node multiplies by, decoded if they are stored as codes. `null` if
 * the weight is not stored, its numbers are not known before running, or it is a batch of matrices.
 */
export function weightNumbers(node: Node): WeightNumbers | null {
  const layout = operatorOf(node).weight;
  const operand = layout && node.inputs[layout.weight];
  if (!operand || layout.packed || layout.quantized) return null;
  const stored = storedWeight(operand);
  const tensor = stored && constantTensor(stored.value);
  if (!tensor || stored.quantizedAtRun) return null;
  const inputAxis = storedAxis(stored, layout.inAxis(node));
  const outputAxis = storedAxis(stored, layout.outAxis(node));
  if (inputAxis === null || outputAxis === null || inputAxis === outputAxis) return null;
  const decode = stored.decoding ? decoderOf(stored.decoding, inputAxis, outputAxis) : (code: number) => code;
  if (!decode) return null;
  const dims = tensor.dims.map(Number);
  const stride = (axis: number) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const [inStride, outStride] = [stride(inputAxis), stride(outputAxis)];
  const [inputs, outputs] = [dims[inputAxis]!, dims[outputAxis]!];
  const fanIn = elementCount(tensor) / outputs;
  if (layout.neuronAxis !== 1 && fanIn !== inputs) return null;
  return {
    inputs,
    outputs,
    fanIn,
    read(each, only = {}) {
      for (const [from, to] of rangesOf(tensor, inputAxis, outputAxis, only)) {
        const codes = readElements(tensor, { start: from, end: to });
        for (let i = 0; i < codes.length; i++) {
          const input = Math.floor((from + i) / inStride) % inputs;
          if (only.inputs && !only.inputs.has(input)) continue;
          const output = Math.floor((from + i) / outStride) % outputs;
          if (only.outputs && !only.outputs.has(output)) continue;
          each(decode(codes[i]!, input, output), input, output);
        }
      }
    },
  };
}

/** Returns the floating-point type in which a weight operand is multiplied. */
export function elemTypeOf(operand: Value): number {
  const node = operand.producer;
  const tensor = constantTensor(operand);
  if (tensor) return tensor.dataType ?? DataType.FLOAT;
  if (node?.is('Cast')) return node.int('to', DataType.FLOAT);
  const next = node?.opType === 'DequantizeLinear' ? node.inputs[1] : node?.input;
  return next ? elemTypeOf(next) : DataType.FLOAT;
}

/**
 * Yields ranges of elements [start, end) of at most a block. Where the weights of one input (or output) lie
 * together, which is so along the first axis, only those that are wanted are read.
 */
function* rangesOf(
  tensor: TensorProto,
  inputAxis: number,
  outputAxis: number,
  { inputs, outputs }: OnlyThese,
): Generator<[number, number]> {
  const count = elementCount(tensor);
  const rows = inputAxis === 0 ? inputs : outputAxis === 0 ? outputs : undefined;
  const rowLength = count / Number(tensor.dims[0]);
  const runs: Iterable<[number, number]> = rows
    ? [...rows].map((row) => [row * rowLength, (row + 1) * rowLength])
    : [[0, count]];
  for (const [start, end] of runs) {
    for (let at = start; at < end; at += BLOCK_ELEMENTS) yield [at, Math.min(end, at + BLOCK_ELEMENTS)];
  }
}

/**
 * Returns (code − zero point) · scale as a function; `null` if scale or zero point are computed or lie in
 * blocks.
 */
function decoderOf(
  { scale, zeroPoint, axis, blockSize }: Decoding,
  inputAxis: number,
  outputAxis: number,
): ((code: number, input: number, output: number) => number) | null {
  const scaleTensor = scale && constantTensor(scale);
  const zeroTensor = zeroPoint && constantTensor(zeroPoint);
  if (!scaleTensor || (zeroPoint && !zeroTensor) || blockSize > 0) return null;
  const scales = readNumbers(scaleTensor);
  const zeros = zeroTensor ? readNumbers(zeroTensor) : Float64Array.of(0);
  const isPerAxis = scales.length > 1 || zeros.length > 1;
  if (isPerAxis && axis !== inputAxis && axis !== outputAxis) return null;
  return (code, input, output) => {
    const index = axis === inputAxis ? input : output;
    const zero = zeros[zeros.length === 1 ? 0 : index]!;
    return (code - zero) * scales[scales.length === 1 ? 0 : index]!;
  };
}
