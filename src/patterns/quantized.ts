import { follow } from '../graph/follow.js';
import type { Node, Value } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';
import type { Linear } from './linear.js';
import { storedWeight } from './weights.js';

/** Rule by which the stored codes of a weight become numbers: (code − zero point) · scale. */
export interface Quantized {
  /** `null`: 1, or the same for all weights of a neuron and not known here. */
  scale: Value | null;
  /** `null`: 0 (for packed 4-bit blocks the middle code). */
  zeroPoint: Value | null;
  /** Axis of the stored tensor that a one-dimensional scale counts. */
  axis: number;
  /** Number of elements along `axis` that share a scale; 0 if there are no blocks. */
  blockSize: number;
  /** Bits of a code that MatMulNBits packs into bytes; 0 if the tensor's own elements are the codes. */
  packedBits: number;
}

/** Returns how the weight of a layer is quantized; `null` for plain numbers. */
export function quantizedWeight({ node, operand, outAxis }: Linear): Quantized | null {
  const layout = operatorOf(node).weight;
  const inputAt = (index: number | undefined) => (index === undefined ? null : (node.inputs[index] ?? null));
  if (layout?.packed) {
    return {
      scale: inputAt(layout.scale),
      zeroPoint: inputAt(layout.zeroPoint),
      axis: 0,
      blockSize: node.int('block_size', 0),
      packedBits: node.int('bits', 4),
    };
  }
  if (layout?.quantized) {
    const known = { scale: inputAt(layout.scale), zeroPoint: inputAt(layout.zeroPoint) };
    return { ...known, axis: outAxis, blockSize: 0, packedBits: 0 };
  }
  const decoding = storedWeight(operand)?.decoding;
  return decoding ? { ...decoding, axis: decoding.axis ?? outAxis, packedBits: 0 } : null;
}

/** Returns the nodes that read a stored weight, seen through what only moves, casts or dequantizes it. */
export function readersOf(value: Value): Node[] {
  const isWeight = (output: Value | null | undefined): boolean =>
    !!output && storedWeight(output)?.value === value;
  const found = new Set<Node>();
  const walk = follow(value, 'downstream', ({ output, to }) => output === 0 && isWeight(to), Infinity);
  for (const at of walk) {
    for (const { node } of at.uses) if (!isWeight(node.outputs[0])) found.add(node);
  }
  return [...found];
}
