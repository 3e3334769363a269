import { constantTensor } from '../graph/constants.js';
import { byteLength, DataType, dataTypeName, isFloat } from '../onnx/data-types.js';
import { elementCount } from '../onnx/tensors.js';
import type { TensorProto } from '../onnx/types.js';
import { type Quantized, quantizedWeight } from '../patterns/quantized.js';
import type { WeightRef } from '../sites/types.js';
import { weightLayout } from './weight-layout.js';
import { type Quantization, quantizationOf, type Refused } from './weight-quantization.js';

/**
 * Stored weight of a site's neurons as [neurons, fanIn], whatever its layout and element type. Neurons are
 * counted as the site counts them: neuron 0 is the site's first one.
 */
export interface NeuronWeights {
  ref: WeightRef;
  /**
   * The stored codes: the tensor itself, or a tensor of 2, 4 or 8-bit codes over the same bytes
   * (MatMulNBits).
   */
  codes: TensorProto;
  /** Number of neurons in the tensor: more than the site's where it holds several projections. */
  neurons: number;
  fanIn: number;
  /** Neighbouring elements that belong to one neuron. */
  innerElements: number;
  /** Returns the flat index in `codes` of an incoming weight. */
  element(neuron: number, incoming: number): number;
  /** Returns the index of the layer's input that a weight multiplies. */
  inputOf(neuron: number, incoming: number): number;
  /** Returns the code that means zero, as a whole number; 0 for floating-point types (all bits 0). */
  zero(neuron: number, incoming: number): number;
  /** Returns the number that a code of a weight means. */
  decode(code: number, neuron: number, incoming: number): number;
}

/** Types whose elements are numbers that a patch can set to zero. */
const patchableTypes = new Set<number>([
  DataType.FLOAT,
  DataType.FLOAT16,
  DataType.BFLOAT16,
  DataType.DOUBLE,
  DataType.INT8,
  DataType.UINT8,
  DataType.INT16,
  DataType.UINT16,
  DataType.INT4,
  DataType.UINT4,
  DataType.INT2,
  DataType.UINT2,
]);

/** Returns the incoming weights of a site's neurons. Reads scales and zero points, but no weight. */
export function neuronWeights(ref: WeightRef): NeuronWeights | Refused {
  const stored = constantTensor(ref.value);
  const name = `\`${ref.initializer}\``;
  if (!stored) return { reason: `${name} is not stored in the file` };
  const quantized = quantizedWeight(ref.layer);
  const isPacked = (quantized?.packedBits ?? 0) > 0;
  const codes = quantized && isPacked ? unpacked(stored, ref, quantized) : stored;
  if ('reason' in codes) return codes;
  if (!codes.span) {
    return { reason: `${name} has its numbers one by one (no raw_data), so that none can be overwritten` };
  }
  if (!patchableTypes.has(codes.dataType ?? 0)) {
    return { reason: `${name} is of type ${dataTypeName(codes.dataType)}` };
  }
  if (!quantized && !isFloat(codes.dataType)) {
    return { reason: `${name} holds whole numbers, and what they stand for is not known` };
  }
  const layout = weightLayout(codes, ref, isPacked);
  const quantization = quantized ? quantizationOf(quantized, layout) : plainNumbers;
  if ('reason' in quantization) return quantization;
  const { neurons, fanIn, innerElements, element, inputOf } = layout;
  const { scale, zeroPoint } = quantization;
  const { first } = ref;
  return {
    ref,
    codes,
    neurons,
    fanIn,
    innerElements,
    element: (neuron, incoming) => element(first + neuron, incoming),
    inputOf: (neuron, incoming) => inputOf(first + neuron, incoming),
    zero: (neuron, incoming) => zeroPoint(first + neuron, incoming),
    decode: (code, neuron, incoming) =>
      (code - zeroPoint(first + neuron, incoming)) * scale(first + neuron, incoming),
  };
}

const plainNumbers: Quantization = { scale: () => 1, zeroPoint: () => 0 };

/** Input of MatMulNBits that puts the inputs of the layer into another order (g_idx). */
const GROUP_INDEX = 4;

/**
 * Returns the bytes of MatMulNBits, [N, blocks, bytes of a block], as the codes in them: the first in the
 * lowest bits.
 */
function unpacked(
  stored: TensorProto,
  { initializer, layer }: WeightRef,
  { packedBits, blockSize }: Quantized,
): TensorProto | Refused {
  const types: Record<number, number> = { 2: DataType.UINT2, 4: DataType.UINT4, 8: DataType.UINT8 };
  const dataType = types[packedBits];
  const rows = layer.neurons;
  const codes = Math.floor((elementCount(stored) * 8) / packedBits);
  if (dataType === undefined) return { reason: `\`${initializer}\` packs codes of ${packedBits} bits` };
  if (layer.node.inputs[GROUP_INDEX]) {
    return { reason: `\`${initializer}\` has its groups in an order of its own (g_idx)` };
  }
  if (blockSize < 1 || byteLength(stored.dataType, 1) !== 1 || codes % rows !== 0) {
    return { reason: `\`${initializer}\` is not packed in whole blocks` };
  }
  return { ...stored, dataType, dims: [BigInt(rows), BigInt(codes / rows)] };
}
