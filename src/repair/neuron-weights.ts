import { constantTensor } from '../graph/constants.js';
import type { Value } from '../graph/graph.js';
import { byteLength, DataType, dataTypeName, isFloat } from '../onnx/data-types.js';
import { elementCount } from '../onnx/tensor-size.js';
import { readElements, readNumbers } from '../onnx/tensors.js';
import type { TensorProto } from '../onnx/types.js';
import { type Quantized, quantizedWeight } from '../patterns/quantized.js';
import type { WeightRef } from '../sites/types.js';

/** A stored weight seen as [neurons, fanIn], whatever its layout and element type. Neurons are counted as the site does. */
export interface NeuronWeights {
  ref: WeightRef;
  /** The stored codes: the tensor itself, or a tensor of 2, 4 or 8-bit codes over the same bytes (MatMulNBits). */
  codes: TensorProto;
  /** All that the stored tensor has: more than the site's where it holds several projections. */
  neurons: number;
  fanIn: number;
  /** Neighbouring elements that belong to one neuron. */
  inner: number;
  /** Flat index in `codes` of a neuron's incoming weight. */
  element(neuron: number, incoming: number): number;
  /** Index of the layer's input that the weight multiplies. */
  inputOf(neuron: number, incoming: number): number;
  /** The code that means zero, as a whole number; 0 for floating-point types (all bits 0). */
  zero(neuron: number, incoming: number): number;
  /** The number that a code of this weight means. */
  decode(code: number, neuron: number, incoming: number): number;
}

/** A weight that cannot be stripped, and why. */
export interface Refused {
  reason: string;
}

/** Types whose elements are numbers that a patch can set to zero. */
const patchable = new Set<number>([
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

/** Sees an incoming weight as [neurons, fanIn]; reads scales and zero points, but no weight. */
export function neuronWeights(ref: WeightRef): NeuronWeights | Refused {
  const stored = constantTensor(ref.value);
  const of = `\`${ref.initializer}\``;
  if (!stored) return { reason: `${of} is not stored in the file` };
  const quantized = quantizedWeight(ref.layer);
  const codes = quantized?.packedBits ? unpacked(stored, ref, quantized) : stored;
  if ('reason' in codes) return codes;
  if (!codes.span) {
    return { reason: `${of} has its numbers one by one (no raw_data), so that none can be overwritten` };
  }
  if (!patchable.has(codes.dataType ?? 0)) {
    return { reason: `${of} is of type ${dataTypeName(codes.dataType)}` };
  }
  if (!quantized && !isFloat(codes.dataType)) {
    return { reason: `${of} holds whole numbers, and what they stand for is not known` };
  }
  const layout = layoutOf(codes, ref, quantized);
  const { neurons, fanIn, inner } = layout;
  const scale = lookup(quantized?.scale ?? null, layout, quantized, 'scale');
  const zeroPoint = lookup(quantized?.zeroPoint ?? null, layout, quantized, 'zero point');
  if ('reason' in scale) return scale;
  if ('reason' in zeroPoint) return zeroPoint;
  const middle = quantized?.packedBits ? 2 ** (quantized.packedBits - 1) : 0;
  const { first } = ref;
  const zero = (neuron: number, incoming: number) => zeroPoint.at(first + neuron, incoming) ?? middle;
  return {
    ref,
    codes,
    neurons,
    fanIn,
    inner,
    element: (neuron, incoming) => layout.element(first + neuron, incoming),
    inputOf: (neuron, incoming) => layout.inputOf(first + neuron, incoming),
    zero,
    decode: quantized
      ? (code, neuron, incoming) =>
          (code - zero(neuron, incoming)) * (scale.at(first + neuron, incoming) ?? 1)
      : (code) => code,
  };
}

/** Neurons whose weights are further apart on disk than this are read separately. */
const GAP_BYTES = 4096;

/**
 * The stored codes of neurons' incoming weights, [fanIn] for each neuron; little more than these is read from disk.
 *
 * @param neurons Increasing.
 */
export function readCodes(
  { ref, codes, fanIn, neurons: all, inner }: NeuronWeights,
  neurons: readonly number[],
): Float64Array[] {
  const result = neurons.map(() => new Float64Array(fanIn));
  const gap = GAP_BYTES / (inner * ((byteLength(codes.dataType, 8) ?? 8) / 8));
  for (let outer = 0; outer * inner < fanIn; outer++) {
    const used = Math.min(inner, fanIn - outer * inner);
    for (let from = 0; from < neurons.length; ) {
      let to = from + 1;
      while (to < neurons.length && neurons[to]! - neurons[to - 1]! <= gap) to++;
      const start = (outer * all + ref.first + neurons[from]!) * inner;
      const read = readElements(codes, {
        start,
        end: (outer * all + ref.first + neurons[to - 1]!) * inner + used,
      });
      for (let k = from; k < to; k++) {
        const at = (neurons[k]! - neurons[from]!) * inner;
        result[k]!.set(read.subarray(at, at + used), outer * inner);
      }
      from = to;
    }
  }
  return result;
}

/** The bytes of MatMulNBits, [N, blocks, bytes of a block], as the codes they hold: the first in the lowest bits. */
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
  if (layer.node.inputs[4])
    return { reason: `\`${initializer}\` has its groups in an order of its own (g_idx)` };
  if (blockSize < 1 || byteLength(stored.dataType, 1) !== 1 || codes % rows !== 0) {
    return { reason: `\`${initializer}\` is not packed in whole blocks` };
  }
  return { ...stored, dataType, dims: [BigInt(rows), BigInt(codes / rows)] };
}

interface Layout {
  neurons: number;
  fanIn: number;
  inner: number;
  element: NeuronWeights['element'];
  inputOf: NeuronWeights['inputOf'];
  /** Index along an axis of `codes`. */
  along(axis: number, neuron: number, incoming: number): number;
  dims: number[];
}

function layoutOf(codes: TensorProto, { axis, layer }: WeightRef, quantized: Quantized | null): Layout {
  const dims = codes.dims.map(Number);
  const packed = (quantized?.packedBits ?? 0) > 0;
  const at = packed ? 0 : axis;
  const neurons = dims[at]!;
  const inner = dims.slice(at + 1).reduce((product, n) => product * n, 1);
  const total = dims.reduce((product, n) => product * n, 1) / Math.max(1, neurons);
  const others = dims.flatMap((_, d) => (d === at ? [] : [d]));
  const along = (wanted: number, neuron: number, incoming: number): number => {
    if (wanted === at) return neuron;
    const before = others.filter((d) => d > wanted).reduce((product, d) => product * dims[d]!, 1);
    return Math.floor(incoming / before) % dims[wanted]!;
  };
  const inAxis = packed ? 1 : layer.inAxis;
  const groups = layer.node.opType.includes('Conv') ? layer.node.int('group', 1) : 1;
  const perGroup = dims[inAxis] ?? 1;
  return {
    neurons,
    fanIn: packed ? layer.fanIn : total,
    inner,
    element: (neuron, incoming) =>
      (Math.floor(incoming / inner) * neurons + neuron) * inner + (incoming % inner),
    inputOf: (neuron, incoming) =>
      Math.floor((neuron * groups) / neurons) * (groups > 1 ? perGroup : 0) + along(inAxis, neuron, incoming),
    along,
    dims,
  };
}

interface Lookup {
  /** The value for one weight; `null` when there is none. */
  at(neuron: number, incoming: number): number | null;
}

/** A scale or zero point: one number, one along an axis, or one for each block. */
function lookup(
  value: Value | null,
  layout: Layout,
  quantized: Quantized | null,
  what: string,
): Lookup | Refused {
  if (!value || !quantized) return { at: () => null };
  const tensor = constantTensor(value);
  // A scale that is computed is the same for all weights of a neuron: their order is that of the codes.
  if (!tensor)
    return what === 'scale' ? { at: () => null } : { reason: `the ${what} ${value.name} is computed` };
  const { packedBits, blockSize, axis } = quantized;
  if (packedBits && what === 'zero point' && !isFloat(tensor.dataType)) {
    return packedZeroPoints(tensor, layout, quantized);
  }
  const numbers = readNumbers(tensor);
  const whole = what === 'scale' || numbers.every(Number.isInteger);
  if (!whole) return { reason: `the ${what} ${value.name} has fractions, so that no code means zero` };
  if (numbers.length === 1) return { at: () => numbers[0]! };
  if (packedBits) {
    const blocks = numbers.length / layout.neurons;
    return { at: (neuron, incoming) => numbers[neuron * blocks + Math.floor(incoming / blockSize)] ?? null };
  }
  if (blockSize === 0) {
    if (numbers.length !== layout.dims[axis]) return { reason: `the ${what} ${value.name} fits no axis` };
    return { at: (neuron, incoming) => numbers[layout.along(axis, neuron, incoming)]! };
  }
  const dims = tensor.dims.map(Number);
  return {
    at: (neuron, incoming) => {
      let flat = 0;
      for (const [d, size] of dims.entries()) {
        const index = layout.along(d, neuron, incoming);
        flat = flat * size + (d === axis ? Math.floor(index / blockSize) : index);
      }
      return numbers[flat] ?? null;
    },
  };
}

/** Zero points of MatMulNBits, packed as the codes are, each row filled up to whole bytes. */
function packedZeroPoints(tensor: TensorProto, layout: Layout, { packedBits, blockSize }: Quantized): Lookup {
  const bytes = readNumbers(tensor);
  const perRow = bytes.length / layout.neurons;
  const mask = (1 << packedBits) - 1;
  return {
    at: (neuron, incoming) => {
      const bit = Math.floor(incoming / blockSize) * packedBits;
      return (bytes[neuron * perRow + (bit >> 3)]! >> (bit & 7)) & mask;
    },
  };
}
