import type { Node } from '../../../graph/graph.js';
import { operatorOf, type WeightLayout } from '../../../graph/operators.js';
import { isConstant } from '../../../patterns/operands.js';
import {
  type Arrival,
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
} from './removal.js';

/**
 * Carries a removal through a multiplication by a weight; `null` for other nodes. Neurons at the output are
 * rows or columns of the weight, W[inputs, neurons]; neurons at the input too, W[neurons, outputs], and the
 * layer sums over them.
 */
export function throughLinear(arrival: Arrival): Propagation | Refusal | null {
  const { node, from, removal, shapeOf } = arrival;
  const layout = operatorOf(node).weight;
  if (!layout) return null;
  if (layout.packed)
    return refuse(`${label(node)} packs its inputs in blocks of ${node.int('block_size', 0)}`);
  const operand = node.inputs[layout.weight];
  if (!operand || !isConstant(operand)) return throughProduct(arrival, layout);
  const shape = shapeOf(operand);
  if (!shape) return refuse(`the size of the weight of ${label(node)} is not known`);
  const neuronAxis = layout.neuronAxis === 1 ? 1 - shape.length : -1;
  if (removal.axis !== neuronAxis || node.int('transA', 0)) {
    return refuse(`${label(node)} multiplies over another axis than that of the neurons`);
  }
  if (node.int('group', 1) !== 1) return throughDepthwise(arrival, layout, shape);
  const outAxis = fromEnd(layout.outAxis(node), shape.length);
  const inAxis = fromEnd(layout.inAxis(node), shape.length);
  const weight = onAxis(removal, from.side === 'output' ? outAxis : inAxis);
  if (neuronsAt(shape, weight) !== 'present') return misfit(node);
  if (from.side === 'output') return withVectors(arrival, layout, [[input(layout.weight), weight]]);
  const biasObstacle = layout.quantized ? 'its inputs are quantized' : paddingObstacle(node);
  return {
    removals: [[input(layout.weight), weight]],
    summingLayer: { node, operand, outAxis, removal, biasObstacle },
  };
}

/** Zeros around the input of a convolution: a constant channel is not constant to the kernel then. */
function paddingObstacle(node: Node): string | null {
  const auto = node.string('auto_pad', 'NOTSET');
  const hasPads = node.ints('pads')?.some((pad) => pad !== 0) ?? false;
  return auto === 'VALID' || (auto === 'NOTSET' && !hasPads)
    ? null
    : 'the convolution after it pads with zeros';
}

/** Passes A · H with a computed A, as in a graph convolution: the neurons are those of H, the last axis. */
function throughProduct(arrival: Arrival, layout: WeightLayout): Propagation | Refusal {
  const { node, from, removal } = arrival;
  const isPlain = layout.neuronAxis === -1 && !layout.quantized && !node.int('transB', 0);
  const areFeatures = removal.axis === -1 && (from.side === 'output' || from.index === 1);
  if (!isPlain || !areFeatures) {
    return refuse(`${label(node)} multiplies the neurons by something that is computed`);
  }
  return withVectors(arrival, layout, [
    [input(1), removal],
    [output(), removal],
  ]);
}

/** Passes a convolution with one kernel for each channel, which keeps channels apart. */
function throughDepthwise(
  arrival: Arrival,
  layout: WeightLayout,
  shape: readonly number[],
): Propagation | Refusal {
  const { node, removal } = arrival;
  const groups = node.int('group', 1);
  if (shape[1] !== 1 || shape[0] !== groups || groups !== removal.width || layout.quantized === 'codes') {
    return refuse(`${label(node)} works in ${groups} groups`);
  }
  const kernels = onAxis(removal, -shape.length);
  const found = withVectors(arrival, layout, [
    ...unchanged(removal).removals,
    [input(layout.weight), kernels],
  ]);
  if ('reason' in found) return found;
  return {
    ...found,
    sizeEdits: [{ node, holder: 'group', element: null, decrease: removal.removed.size }],
  };
}

/** Adds the removals from bias, scale and zero point, if they have one number for each output. */
function withVectors(
  { node, removal, shapeOf }: Arrival,
  { bias, scale, zeroPoint }: WeightLayout,
  removals: Propagation['removals'],
): Propagation | Refusal {
  const vectors: Propagation['removals'] = [];
  for (const index of [bias, scale, zeroPoint]) {
    const value = index === undefined ? null : node.inputs[index];
    if (!value) continue;
    const found = neuronsAt(shapeOf(value), onAxis(removal, -1));
    if (found === 'unknown') return misfit(node);
    if (found === 'present') vectors.push([input(index!), onAxis(removal, -1)]);
  }
  return { removals: [...removals, ...vectors] };
}

const misfit = (node: Node): Refusal =>
  refuse(`an operand of ${label(node)} does not have the neurons' size`);
