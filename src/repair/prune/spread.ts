import type { Node } from '../../graph/graph.js';
import { operandCount, operatorOf } from '../../graph/operators.js';
import {
  at,
  type Cut,
  covers,
  type DimsOf,
  input,
  label,
  onAxis,
  output,
  type Port,
  type Refusal,
  refuse,
  type Spread,
} from './cut.js';
import { spreadLinear } from './linear.js';
import { spreadMove } from './moves.js';
import { spreadParts } from './parts.js';

/** Operators besides the scalar functions that treat each element by itself. */
const elementwise = new Set([
  'BiasGelu',
  'Floor',
  'Ceil',
  'Round',
  'Sin',
  'Cos',
  'Mod',
  'IsInf',
  'Xor',
  'CastLike',
]);

/** Operators that keep channels (axis 1) apart: their other inputs have one number per channel. */
const channelwise: Record<string, number[]> = {
  BatchNormalization: [1, 2, 3, 4],
  InstanceNormalization: [1, 2],
  MaxPool: [],
  AveragePool: [],
  GlobalAveragePool: [],
  GlobalMaxPool: [],
};

/**
 * What removing neurons at one port of a node means for its other ports: where their indices are there, which numbers
 * count them, and whether their influence ends here. A refusal for a node that mixes neurons or is not understood.
 */
export function spread(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  if (node.is('Shape')) return { ports: [] };
  const known =
    spreadLinear(node, from, cut, dimsOf) ??
    spreadQuantization(node, cut, dimsOf) ??
    spreadElements(node, from, cut, dimsOf) ??
    spreadChannels(node, cut, dimsOf) ??
    spreadParts(node, from, cut, dimsOf) ??
    spreadMove(node, from, cut, dimsOf);
  return known ?? refuse(`${label(node)} mixes the neurons, or is not known to keep them apart`);
}

/** Operands with the neurons' size are cut, those broadcast over it stay. */
function spreadElements(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal | null {
  if (!operatorOf(node).formula && !elementwise.has(node.opType)) return null;
  if (from.side === 'output' && from.index > 0) return { ports: [] };
  const count = node.opType === 'CastLike' ? 1 : operandCount(node);
  const ports: Spread['ports'] = [];
  const candidates: Port[] = [output(), ...Array.from({ length: count }, (_, i) => input(i))];
  for (const port of candidates) {
    const value = at(node, port);
    if (!value) continue;
    const found = port.side === from.side && port.index === from.index ? 'full' : covers(dimsOf(value), cut);
    if (found === 'unknown') return refuse(`the size of ${value.name} at ${label(node)} is not known or odd`);
    if (found === 'full') ports.push([port, cut]);
  }
  if (node.is('Dropout') && node.outputs[1]) ports.push([output(1), cut]);
  return { ports };
}

/** Scales and zero points along the neurons' axis are cut with them. */
function spreadQuantization(node: Node, cut: Cut, dimsOf: DimsOf): Spread | Refusal | null {
  if (node.is('DynamicQuantizeLinear'))
    return {
      ports: [
        [input(0), cut],
        [output(), cut],
      ],
    };
  if (node.opType !== 'QuantizeLinear' && node.opType !== 'DequantizeLinear') return null;
  if (node.domain !== '' && node.domain !== 'com.microsoft') return null;
  const ports: Spread['ports'] = [
    [input(0), cut],
    [output(), cut],
  ];
  const scaleDims = node.inputs[1] ? dimsOf(node.inputs[1]) : null;
  const dims = node.inputs[0] ? dimsOf(node.inputs[0]) : null;
  if (!scaleDims || !dims) return refuse(`the sizes at ${label(node)} are not known`);
  if (node.int('block_size', 0) > 0) return refuse(`${label(node)} has a scale for every block`);
  if (scaleDims.length === 0 || scaleDims[0] === 1) return { ports };
  const axis = node.int('axis', 1);
  if ((axis < 0 ? axis : axis - dims.length) !== cut.axis) return { ports };
  ports.push([input(1), onAxis(cut, -1)]);
  if (node.inputs[2]) ports.push([input(2), onAxis(cut, -1)]);
  return { ports };
}

function spreadChannels(node: Node, cut: Cut, dimsOf: DimsOf): Spread | Refusal | null {
  const perChannel = node.domain === '' ? channelwise[node.opType] : undefined;
  if (!perChannel) return null;
  const dims = node.input && dimsOf(node.input);
  if (!dims || cut.axis !== 1 - dims.length) {
    return refuse(`${label(node)} has the neurons on another axis than 1`);
  }
  const vectors = perChannel.map((index): [Port, Cut] => [input(index), onAxis(cut, -1)]);
  return { ports: [[input(0), cut], [output(), cut], ...vectors] };
}
