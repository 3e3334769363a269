import { unmoved, WALK_LIMIT } from '../../graph/follow.js';
import type { Node, Value } from '../../graph/graph.js';
import { operatorOf, passesNumbers } from '../../graph/operators.js';
import { type Linear, linear } from '../../patterns/linear.js';
import { constantOperand, isConstant } from '../../patterns/operands.js';
import { quantizedWeight } from '../../patterns/quantized.js';
import { storedWeight } from '../../patterns/weights.js';

/** A parameter of a layer that is to be negated. */
export interface Parameter {
  kind: 'weight' | 'bias';
  /** The stored tensor. */
  value: Value;
  /** The node of the layer that reads it, seen through what moves or dequantizes it. */
  reader: Node;
  /** Zero point of quantized codes (`null`: 0), and the axis of `value` along which it varies. */
  zeroPoint: { value: Value | null; axis: number } | null;
}

/**
 * Finds the parameters whose negation negates `pre` exactly: weights and bias of the linear layers whose sum
 * it is, or scale and shift of a normalisation by constants that follows them.
 *
 * @returns The reason where something on the way has no exact negative.
 */
export function parametersOf(pre: Value): { parameters: Parameter[] } | { reason: string } {
  const walk: Walk = { parameters: [], seen: new Set() };
  const reason = collect(pre, walk, WALK_LIMIT);
  return reason === null ? { parameters: walk.parameters } : { reason };
}

interface Walk {
  parameters: Parameter[];
  /** Values that the walk has been at: a sum may read a value twice. */
  seen: Set<Value>;
}

/** Adds the parameters upstream of a value to the walk; returns the reason where it meets something else. */
function collect(value: Value, walk: Walk, steps: number): string | null {
  if (walk.seen.has(value)) return null;
  walk.seen.add(value);
  const node = value.producer;
  if (!node) return `${value.name} is computed by nothing`;
  if (steps === 0) return `more than ${WALK_LIMIT} nodes lie before it`;
  const layer = linear(node);
  if (layer) return ofLayer(layer, walk);
  if (!node.input) return `${node.opType} has no input`;
  if (/quantizeLinear$/i.test(node.opType)) {
    return `${node.opType} quantizes it, with a range chosen for its present sign`;
  }
  if (passesNumbers(node) || node.is('Transpose')) return collect(node.input, walk, steps - 1);
  if (node.is('BatchNormalization')) {
    const [, scale, shift] = node.inputs;
    return stored('weight', scale!, node, walk) ?? stored('bias', shift!, node, walk);
  }
  const { arithmetic } = operatorOf(node);
  if (arithmetic === 'sum') return ofSum(node, walk, steps);
  const factor = arithmetic === 'product' ? dataFactor(node) : null;
  if (factor) return collect(factor, walk, steps - 1);
  return `${node.opType} at ${node.name || node.output.name} lies between the linear layer and the rectifier`;
}

/** Every operand of a sum is negated: constants are biases. */
function ofSum(node: Node, walk: Walk, steps: number): string | null {
  for (const input of node.inputs) {
    if (!input) continue;
    const reason = isConstant(input) ? stored('bias', input, node, walk) : collect(input, walk, steps - 1);
    if (reason !== null) return reason;
  }
  return null;
}

function ofLayer(layer: Linear, walk: Walk): string | null {
  const { node, operand, weight: value, bias } = layer;
  const layout = operatorOf(node).weight!;
  if (layout.quantized === 'codes') {
    return `${node.opType} quantizes its result, with a range of its present sign`;
  }
  if (layout.packed) return 'its weights are packed in blocks of a few bits';
  const codes = quantizedWeight(layer);
  if (codes && codes.blockSize > 0) return 'its weights are quantized in blocks';
  if (storedWeight(operand)?.quantizedAtRun) return `the file quantizes \`${value.name}\` when it runs`;
  const zeroPoint = codes && { value: codes.zeroPoint, axis: codes.axis };
  walk.parameters.push({ kind: 'weight', value, reader: node, zeroPoint });
  return bias ? stored('bias', bias, node, walk) : null;
}

/** Adds the tensor in the file that a constant operand is made of. */
function stored(kind: Parameter['kind'], operand: Value, reader: Node, walk: Walk): string | null {
  const tensor = storedWeight(operand);
  if (!tensor || tensor.quantizedAtRun) return `${operand.name} is computed from constants, not stored`;
  const { value, decoding } = tensor;
  if (decoding && decoding.blockSize > 0) return `\`${value.name}\` is quantized in blocks`;
  const zeroPoint = decoding && { value: decoding.zeroPoint, axis: decoding.axis ?? 0 };
  walk.parameters.push({ kind, value, reader, zeroPoint });
  return null;
}

/**
 * Returns the operand of a product that carries the data. The other one is constant, or it is the scale that
 * turns the integer sums of a quantized layer into numbers. `null` where the data is a divisor.
 */
function dataFactor(node: Node): Value | null {
  const split = constantOperand(node);
  if (split) return node.is('Div') && split.other !== node.input ? null : split.other;
  const isIntegerSums = (value: Value | null): boolean => {
    const producer = value && unmoved(value).producer;
    return !!producer && operatorOf(producer).weight?.quantized === 'sums';
  };
  return node.is('Mul') ? (node.inputs.find(isIntegerSums) ?? null) : null;
}
