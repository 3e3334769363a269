import { constantInts, constantScalar, constantTensor } from '../graph/constants.js';
import type { Node, Value } from '../graph/graph.js';

/** Operators through which the numbers of one input pass unchanged, only placed or typed differently. */
const moves = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Dropout',
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
  'Expand',
]);

/** Whether the first output is the first input, moved or re-typed but not changed. */
export function moving(node: Node): boolean {
  return (node.domain === '' || node.domain === 'com.microsoft') && moves.has(node.opType);
}

/** The value that only moves stand between. */
export function unmoved(value: Value): Value {
  const node = value.producer;
  return node && moving(node) && node.input ? unmoved(node.input) : value;
}

/** A constant vector or tensor that is not a lone number. */
export function isVector(value: Value | null | undefined): value is Value {
  return !!value && constantTensor(value) !== null && constantScalar(value) === null;
}

/** Whether the value is known when the file is written: initializer, Constant, or computed from those alone. */
export function isConstant(value: Value, depth = 8): boolean {
  if (constantTensor(value)) return true;
  const node = value.producer;
  if (!node || depth === 0 || node.subgraphs.length > 0) return false;
  return (
    node.inputs.length > 0 && node.inputs.every((input) => input === null || isConstant(input, depth - 1))
  );
}

/** For a binary node: the constant operand and the other one; `null` when both or neither are constant. */
export function constantOperand(node: Node): { constant: Value; other: Value } | null {
  const [a, b] = node.inputs;
  if (!a || !b) return null;
  const [constA, constB] = [isConstant(a), isConstant(b)];
  if (constA === constB) return null;
  return constA ? { constant: a, other: b } : { constant: b, other: a };
}

/** A Slice that starts at 0 on every axis it names: exporters cut a Scatter's updates to the indices' size this way. */
export function slicesFromStart(node: Node): boolean {
  const starts = node.inputs[1] ? constantInts(node.inputs[1]) : null;
  return node.is('Slice') && !!starts && starts.every((start) => start === 0);
}
