import { constantTensor } from '../../graph/constants.js';
import type { Node, Value } from '../../graph/graph.js';
import { passesNumbers } from '../../graph/operators.js';
import { type Linear, linear } from '../../patterns/linear.js';
import { constantOperand, isConstant } from '../../patterns/operands.js';
import { quantizedWeight } from '../../patterns/quantized.js';

/** A parameter of a layer that is to be negated. */
export interface Parameter {
  kind: 'weight' | 'bias';
  /** The stored tensor. */
  value: Value;
  /** The node of the layer that reads it, seen through what moves or dequantizes it. */
  reader: Node;
  /** Quantized codes: their zero point (`null`: 0) and the axis of `value` along which it varies. */
  zeroPoint: { value: Value | null; axis: number } | null;
}

export type LayerParameters =
  | { parameters: Parameter[]; reason: null }
  | { parameters: null; reason: string };

const MAX_STEPS = 40;

/**
 * The parameters whose negation negates `pre` exactly: weights and bias of the linear layers whose sum it is, or scale
 * and shift of a normalisation by constants that follows them. Or why there are none.
 */
export function parametersOf(pre: Value): LayerParameters {
  const parameters: Parameter[] = [];
  const reason = collect(pre, parameters, MAX_STEPS);
  return reason === null ? { parameters, reason: null } : { parameters: null, reason };
}

/** Adds to `found`; the reason where the walk ends at what has no negative. */
function collect(value: Value, found: Parameter[], steps: number): string | null {
  const node = value.producer;
  if (!node) return `${value.name} is computed by nothing`;
  if (steps === 0) return `more than ${MAX_STEPS} nodes lie before it`;
  const layer = linear(node);
  if (layer) return ofLayer(layer, found);
  const first = node.input;
  if (!first) return `${node.opType} has no input`;
  if (quantizes(node)) return `${node.opType} quantizes it, with a range chosen for its present sign`;
  if (passesNumbers(node) || node.is('Transpose')) return collect(first, found, steps - 1);
  const rest = node.inputs.filter((input) => input !== null);
  switch (node.domain === '' ? node.opType : '') {
    case 'Add':
    case 'Sub':
    case 'Sum':
      for (const input of rest) {
        const failed = isConstant(input)
          ? stored('bias', input, node, found)
          : collect(input, found, steps - 1);
        if (failed !== null) return failed;
      }
      return null;
    case 'BatchNormalization':
      return stored('weight', node.inputs[1]!, node, found) ?? stored('bias', node.inputs[2]!, node, found);
    case 'Mul':
    case 'Div': {
      const factor = scaled(node);
      return factor ? collect(factor, found, steps - 1) : stop(node);
    }
    default:
      return stop(node);
  }
}

function ofLayer(layer: Linear, found: Parameter[]): string | null {
  const { node, weight, bias } = layer;
  if (node.opType.startsWith('QLinear'))
    return `${node.opType} quantizes its result, with a range of its present sign`;
  if (node.opType === 'MatMulNBits') return 'its weights are packed in blocks of a few bits';
  const codes = quantizedWeight(layer);
  if (codes && codes.blockSize > 0) return 'its weights are quantized in blocks';
  const zeroPoint = codes && { value: codes.zeroPoint, axis: codes.axis };
  if (throughQuantizer(layer.operand)) return `the file quantizes \`${weight.name}\` when it runs`;
  found.push({ kind: 'weight', value: weight, reader: node, zeroPoint });
  return bias ? stored('bias', bias, node, found) : null;
}

/** A constant, followed back to the tensor in the file. */
function stored(kind: Parameter['kind'], operand: Value, reader: Node, found: Parameter[]): string | null {
  let zeroPoint: Parameter['zeroPoint'] = null;
  for (let at: Value = operand; ; ) {
    if (constantTensor(at)) {
      found.push({ kind, value: at, reader, zeroPoint });
      return null;
    }
    const node = at.producer;
    if (!node?.input || !(passesNumbers(node) || node.is('Transpose')) || node.is('QuantizeLinear')) {
      return `${operand.name} is computed from constants, not stored`;
    }
    if (node.opType === 'DequantizeLinear') {
      zeroPoint = { value: node.inputs[2] ?? null, axis: node.int('axis', 1) };
    }
    at = node.input;
  }
}

/** The factor that carries the data: the other one is constant, or dequantizes what an integer product gave. */
function scaled(node: Node): Value | null {
  const split = constantOperand(node);
  if (split) return node.is('Div') && split.other !== node.input ? null : split.other;
  const isProduct = (value: Value | null): boolean => {
    const producer = value?.producer?.is('Cast') ? value.producer.input?.producer : value?.producer;
    return producer?.opType.endsWith('Integer') ?? false;
  };
  return node.is('Mul') ? (node.inputs.find(isProduct) ?? null) : null;
}

function throughQuantizer(operand: Value): boolean {
  for (let at: Value | null = operand; at?.producer; at = at.producer.input) {
    if (at.producer.opType === 'QuantizeLinear') return true;
  }
  return false;
}

const quantizes = ({ opType }: Node): boolean => /(Quantize|Dequantize)Linear$/.test(opType);

const stop = (node: Node): string =>
  `${node.opType} at ${node.name || node.output.name} lies between the linear layer and the rectifier`;
