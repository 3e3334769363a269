import { constantTensor } from '../graph/constants.js';
import { isFloat } from '../onnx/data-types.js';
import { readNumbers } from '../onnx/tensors.js';
import type { TensorProto } from '../onnx/types.js';
import type { Quantized } from '../patterns/quantized.js';
import type { WeightLayout } from './weight-layout.js';

/** A weight whose bytes cannot be changed, and why. */
export interface Refused {
  reason: string;
}

/** Scale and zero point of each weight: a code means (code − zero point) · scale. */
export interface Quantization {
  /**
   * Returns the scale of a weight, 1 where it is not known: it is the same for all weights of the neuron,
   * then.
   */
  scale(neuron: number, incoming: number): number;
  /** Returns the code that means 0. */
  zeroPoint(neuron: number, incoming: number): number;
}

/** Reads scales and zero points, but no weight. */
export function quantizationOf(quantized: Quantized, layout: WeightLayout): Quantization | Refused {
  const scale = scaleOf(quantized, layout);
  const zeroPoint = zeroPointOf(quantized, layout);
  if ('reason' in scale) return scale;
  if ('reason' in zeroPoint) return zeroPoint;
  return { scale: scale.at, zeroPoint: zeroPoint.at };
}

/** A number for each weight. */
interface PerWeight {
  at(neuron: number, incoming: number): number;
}

function scaleOf({ scale, ...quantized }: Quantized, layout: WeightLayout): PerWeight | Refused {
  const tensor = scale && constantTensor(scale);
  if (!tensor) return { at: () => 1 };
  return numberOfEach(tensor, quantized, layout) ?? { reason: `the scale ${scale.name} fits no axis` };
}

function zeroPointOf({ zeroPoint, ...quantized }: Quantized, layout: WeightLayout): PerWeight | Refused {
  const { packedBits } = quantized;
  if (!zeroPoint) return { at: () => (packedBits ? 2 ** (packedBits - 1) : 0) };
  const tensor = constantTensor(zeroPoint);
  const name = `the zero point ${zeroPoint.name}`;
  if (!tensor) return { reason: `${name} is computed` };
  if (packedBits && !isFloat(tensor.dataType)) return packedZeroPoints(tensor, quantized, layout);
  if (!readNumbers(tensor).every(Number.isInteger)) {
    return { reason: `${name} has fractions, so that no code means zero` };
  }
  return numberOfEach(tensor, quantized, layout) ?? { reason: `${name} fits no axis` };
}

/**
 * Gives each weight its number of a scale or zero point: one for all, one along an axis, or one for each
 * block.
 */
function numberOfEach(
  tensor: TensorProto,
  { packedBits, blockSize, axis }: Pick<Quantized, 'packedBits' | 'blockSize' | 'axis'>,
  { neurons, fanIn, dims, indexAlong }: WeightLayout,
): PerWeight | null {
  const numbers = readNumbers(tensor);
  if (numbers.length === 1) return { at: () => numbers[0]! };
  if (packedBits) {
    const blocks = numbers.length / neurons;
    if (!Number.isInteger(blocks) || blocks * blockSize < fanIn) return null;
    return { at: (neuron, incoming) => numbers[neuron * blocks + Math.floor(incoming / blockSize)]! };
  }
  if (blockSize === 0) {
    if (numbers.length !== dims[axis]) return null;
    return { at: (neuron, incoming) => numbers[indexAlong(axis, neuron, incoming)]! };
  }
  const sizes = tensor.dims.map(Number);
  return {
    at: (neuron, incoming) => {
      let flat = 0;
      for (const [d, size] of sizes.entries()) {
        const index = indexAlong(d, neuron, incoming);
        flat = flat * size + (d === axis ? Math.floor(index / blockSize) : index);
      }
      return numbers[flat]!;
    },
  };
}

/** Zero points of MatMulNBits are packed as its codes are, and each neuron's are filled up to whole bytes. */
function packedZeroPoints(
  tensor: TensorProto,
  { packedBits, blockSize }: Pick<Quantized, 'packedBits' | 'blockSize'>,
  { neurons }: WeightLayout,
): PerWeight {
  const bytes = readNumbers(tensor);
  const bytesOfNeuron = bytes.length / neurons;
  const mask = (1 << packedBits) - 1;
  return {
    at: (neuron, incoming) => {
      const bit = Math.floor(incoming / blockSize) * packedBits;
      return (bytes[neuron * bytesOfNeuron + (bit >> 3)]! >> (bit & 7)) & mask;
    },
  };
}
