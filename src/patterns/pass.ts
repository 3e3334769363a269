import { constantInts, constantScalar, constantTensor } from '../graph/constants.js';
import type { Node, Value } from '../graph/graph.js';

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
