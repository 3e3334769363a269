import { operandCount, operatorOf } from '../../../graph/operators.js';
import { throughLinear } from './linear.js';
import { throughPlacement } from './placement.js';
import {
  type Arrival,
  type AxisRemoval,
  type Endpoint,
  fromEnd,
  input,
  label,
  neuronsAt,
  onAxis,
  output,
  type Propagation,
  type Refusal,
  refuse,
  unchanged,
  unknownSizes,
  valueAt,
} from './removal.js';

/**
 * Carries a removal from one endpoint of a node to the others: which tensors lose which indices, which sizes
 * become smaller, and whether the node sums over the neurons. Refuses at a node that mixes neurons or is not
 * understood.
 */
export function propagate(arrival: Arrival): Propagation | Refusal {
  const { node } = arrival;
  if (node.is('Shape')) return { removals: [] };
  return (
    throughLinear(arrival) ??
    throughQuantization(arrival) ??
    throughElements(arrival) ??
    throughChannels(arrival) ??
    throughPlacement(arrival) ??
    refuse(`${label(node)} mixes the neurons, or is not known to keep them apart`)
  );
}

/** Functions of each element: operands with the neurons' size lose indices, those broadcast over it stay. */
function throughElements({ node, from, removal, shapeOf }: Arrival): Propagation | Refusal | null {
  if (!operatorOf(node).formula) return null;
  if (from.side === 'output' && from.index > 0) return { removals: [] };
  const removals: Propagation['removals'] = [];
  const operands = Array.from({ length: operandCount(node) }, (_, i) => input(i));
  for (const endpoint of [output(), ...operands]) {
    const value = valueAt(node, endpoint);
    if (!value) continue;
    const isOrigin = endpoint.side === from.side && endpoint.index === from.index;
    const found = isOrigin ? 'present' : neuronsAt(shapeOf(value), removal);
    if (found === 'unknown') {
      return refuse(`the size of ${value.name} at ${label(node)} is not known or does not fit`);
    }
    if (found === 'present') removals.push([endpoint, removal]);
  }
  // The mask of Dropout.
  if (node.is('Dropout') && node.outputs[1]) removals.push([output(1), removal]);
  return { removals };
}

/** Quantization: scales and zero points along the neurons' axis lose the same indices. */
function throughQuantization({ node, removal, shapeOf }: Arrival): Propagation | Refusal | null {
  if (node.is('DynamicQuantizeLinear')) return unchanged(removal);
  if (node.opType !== 'QuantizeLinear' && node.opType !== 'DequantizeLinear') return null;
  if (node.domain !== '' && node.domain !== 'com.microsoft') return null;
  const [data, scale, zeroPoint] = node.inputs;
  const [shape, scaleShape] = [data && shapeOf(data), scale && shapeOf(scale)];
  if (!scaleShape || !shape) return unknownSizes(node);
  if (node.int('block_size', 0) > 0) return refuse(`${label(node)} has a scale for every block`);
  const { removals } = unchanged(removal);
  const isPerTensor = scaleShape.length === 0 || scaleShape[0] === 1;
  if (isPerTensor || fromEnd(node.int('axis', 1), shape.length) !== removal.axis) return { removals };
  const vectors = [1, ...(zeroPoint ? [2] : [])];
  return { removals: [...removals, ...vectors.map((index) => vector(index, removal))] };
}

/** Operators on channels (axis 1): their other inputs have one number for each channel. */
function throughChannels({ node, removal, shapeOf }: Arrival): Propagation | Refusal | null {
  const { perChannel } = operatorOf(node);
  if (!perChannel) return null;
  const shape = node.input && shapeOf(node.input);
  if (!shape || removal.axis !== 1 - shape.length) {
    return refuse(`${label(node)} has the neurons on another axis than 1`);
  }
  const vectors = perChannel.map((index) => vector(index, removal));
  return { removals: [...unchanged(removal).removals, ...vectors] };
}

/** Removal from an input that holds one number for each neuron. */
function vector(index: number, removal: AxisRemoval): [Endpoint, AxisRemoval] {
  return [input(index), onAxis(removal, -1)];
}
