import { constantTensor } from '../graph/constants.js';
import type { Value } from '../graph/graph.js';

/** A weight as it is stored, and which of its axes is asked about. */
export interface StoredWeight {
  /** The initializer or Constant output in the file. */
  value: Value;
  axis: number;
  /** Shape of the stored tensor. */
  shape: number[];
}

/**
 * Follows a weight operand back to the stored tensor through Transpose, Identity, Cast, DequantizeLinear, Squeeze and
 * Unsqueeze, keeping track of `axis` (negative counts from the end). `null` when it is not stored in the file, or the axis is lost.
 */
export function storedWeight(operand: Value, axis: number, rank = operand.rank): StoredWeight | null {
  const tensor = constantTensor(operand);
  if (tensor) {
    const shape = tensor.dims.map(Number);
    const index = axis < 0 ? axis + shape.length : axis;
    return index in shape ? { value: operand, axis: index, shape } : null;
  }
  const node = operand.producer;
  const source = node?.input;
  if (!node || !source) return null;
  switch (node.domain === 'com.microsoft' || node.domain === '' ? node.opType : '') {
    case 'Identity':
    case 'Cast':
    case 'DequantizeLinear':
    case 'QuantizeLinear':
      return storedWeight(source, axis, rank);
    case 'Transpose': {
      const stored = storedRank(source) ?? rank;
      if (stored === null) return null;
      const perm = node.ints('perm') ?? Array.from({ length: stored }, (_, i) => stored - 1 - i);
      const before = perm[axis < 0 ? axis + stored : axis];
      return before === undefined ? null : storedWeight(source, before, stored);
    }
    default:
      return null;
  }
}

function storedRank(value: Value): number | null {
  const tensor = constantTensor(value);
  if (tensor) return tensor.dims.length;
  if (value.rank !== null) return value.rank;
  const source = value.producer?.input;
  return source ? storedRank(source) : null;
}
