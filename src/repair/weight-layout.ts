import type { TensorProto } from '../onnx/types.js';
import type { WeightRef } from '../sites/types.js';

/**
 * Layout of a stored weight, seen as [neurons, fanIn]. The neurons are counted along one axis of the tensor;
 * the other axes, in their order, count the incoming weights of a neuron.
 *
 * For example a convolution stores [neurons, inputs, height, width]: `innerElements` is inputs · height ·
 * width. A MatMul stores [inputs, neurons]: `innerElements` is 1.
 */
export interface WeightLayout {
  /** Number of neurons in the tensor. */
  neurons: number;
  /** Incoming weights of a neuron. */
  fanIn: number;
  /** Neighbouring elements that belong to one neuron. */
  innerElements: number;
  /** Dimensions of the tensor. */
  dims: number[];
  /** Returns the flat index of an incoming weight. */
  element(neuron: number, incoming: number): number;
  /** Returns the index of the layer's input that a weight multiplies. */
  inputOf(neuron: number, incoming: number): number;
  /** Returns the index of a weight along an axis of the tensor. */
  indexAlong(axis: number, neuron: number, incoming: number): number;
}

/** Returns the layout of a weight. `codes` are the stored numbers; packed ones as [neurons, inputs]. */
export function weightLayout(
  codes: TensorProto,
  { axis, layer }: WeightRef,
  isPacked: boolean,
): WeightLayout {
  const dims = codes.dims.map(Number);
  const neuronAxis = isPacked ? 0 : axis;
  const inputAxis = isPacked ? 1 : layer.inAxis;
  const neurons = dims[neuronAxis]!;
  const innerElements = product(dims.slice(neuronAxis + 1));
  const otherAxes = dims.flatMap((_, d) => (d === neuronAxis ? [] : [d]));
  const indexAlong = (wanted: number, neuron: number, incoming: number): number => {
    if (wanted === neuronAxis) return neuron;
    const faster = product(otherAxes.filter((d) => d > wanted).map((d) => dims[d]!));
    return Math.floor(incoming / faster) % dims[wanted]!;
  };
  // A grouped convolution stores the inputs of one group: those of a neuron's own.
  const groups = layer.node.int('group', 1);
  const inputsOfGroup = dims[inputAxis] ?? 1;
  const firstInput = (neuron: number) =>
    groups > 1 ? Math.floor((neuron * groups) / neurons) * inputsOfGroup : 0;
  return {
    neurons,
    fanIn: isPacked ? layer.fanIn : product(dims) / Math.max(1, neurons),
    innerElements,
    dims,
    element: (neuron, incoming) =>
      (Math.floor(incoming / innerElements) * neurons + neuron) * innerElements + (incoming % innerElements),
    inputOf: (neuron, incoming) => firstInput(neuron) + indexAlong(inputAxis, neuron, incoming),
    indexAlong,
  };
}

const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);
