import type { Node, Value } from '../graph/graph.js';
import { operatorOf, passesNumbers } from '../graph/operators.js';
import { type Linear, linear } from './linear.js';
import { storedWeight } from './weights.js';

/** How the stored codes of a weight mean numbers: (code − zero point) · scale. */
export interface Quantized {
  /** `null`: 1, or the same for all weights of a neuron and not known here. */
  scale: Value | null;
  /** `null`: 0 (for packed 4-bit blocks the middle code). */
  zeroPoint: Value | null;
  /** Axis of the stored tensor that a one-dimensional scale indexes. */
  axis: number;
  /** Along `axis` this many elements share a scale; 0 when it is not blocked. */
  blockSize: number;
  /** Bits of a code packed by MatMulNBits into bytes; 0 when the tensor's own elements are the codes. */
  packedBits: number;
}

/** What quantizes the weight of a layer; `null` for plain numbers. */
export function quantizedWeight(layer: Linear): Quantized | null {
  const { node, operand, outAxis } = layer;
  const layout = operatorOf(node).weight;
  if (layout?.packed) {
    return {
      scale: node.inputs[2] ?? null,
      zeroPoint: node.inputs[3] ?? null,
      axis: 0,
      blockSize: node.int('block_size', 0),
      packedBits: node.int('bits', 4),
    };
  }
  if (layout?.quantized) {
    const at = (place: number | undefined) => (place === undefined ? null : (node.inputs[place] ?? null));
    const known = { scale: at(layout.scale), zeroPoint: at(layout.zeroPoint) };
    return { ...known, axis: outAxis, blockSize: 0, packedBits: 0 };
  }
  for (let at: Value | null = operand; at?.producer; at = at.producer.input) {
    if (!at.producer.is('DequantizeLinear') && !at.producer.is('DequantizeLinear', 'com.microsoft')) continue;
    const quantizer: Node = at.producer;
    const stored = quantizer.input && storedWeight(quantizer.input, quantizer.int('axis', 1));
    return {
      scale: quantizer.inputs[1] ?? null,
      zeroPoint: quantizer.inputs[2] ?? null,
      axis: stored?.axis ?? outAxis,
      blockSize: quantizer.int('block_size', 0),
      packedBits: 0,
    };
  }
  return null;
}

/** Nodes that read a stored value, seen through what only moves, casts or dequantizes it. */
export function readersOf(value: Value): Node[] {
  const found = new Set<Node>();
  const seen = new Set<Value>();
  const visit = (at: Value): void => {
    if (seen.has(at)) return;
    seen.add(at);
    for (const { node, index } of at.uses) {
      const passes = index === 0 && (passesNumbers(node) || node.is('Transpose')) && !linear(node);
      if (!passes) found.add(node);
      else for (const output of node.outputs) if (output) visit(output);
    }
  };
  visit(value);
  return [...found];
}
