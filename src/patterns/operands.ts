import { constantInts, constantScalar, constantTensor } from '../graph/constants.js';
import { followWith } from '../graph/follow.js';
import type { Node, Use, Value } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';

/** Nodes between a constant and the stored values that it is computed from, at most. */
const CONSTANT_DEPTH = 8;

/**
 * Returns true if a value is known when the file is written: stored, or computed from stored values alone.
 */
export function isConstant(value: Value): boolean {
  const walk = followWith(
    value,
    'upstream',
    0,
    ({ from }, depth) => (constantTensor(from) ? null : { state: depth + 1 }),
    CONSTANT_DEPTH,
  );
  for (const { value: at, state: depth } of walk) {
    if (constantTensor(at)) continue;
    if (depth === CONSTANT_DEPTH || !at.producer || !isDeterminedByInputs(at.producer)) return false;
  }
  return true;
}

function isDeterminedByInputs(node: Node): boolean {
  return node.inputs.length > 0 && node.subgraphs.length === 0 && !operatorOf(node).random;
}

/** Returns true for a stored tensor that is not a lone number. */
export function isVector(value: Value | null | undefined): value is Value {
  return !!value && constantTensor(value) !== null && constantScalar(value) === null;
}

/** Returns the operands of a binary node if exactly one of them is constant. */
export function constantOperand(node: Node): { constant: Value; other: Value } | null {
  const [a, b] = node.inputs;
  if (!a || !b || node.inputs.length !== 2) return null;
  const [isConstantA, isConstantB] = [isConstant(a), isConstant(b)];
  if (isConstantA === isConstantB) return null;
  return isConstantA ? { constant: a, other: b } : { constant: b, other: a };
}

/** Returns the uses of a value that read its numbers and not only its shape. */
export function numberReaders(value: Value): Use[] {
  return value.uses.filter(({ node }) => !node.is('Shape') && !node.is('Size'));
}

/**
 * Returns true for a Slice that starts at 0 along every axis it names. Exporters cut the updates of a Scatter
 * to the size of its indices this way.
 */
export function slicesFromStart(node: Node): boolean {
  const starts = node.inputs[1] ? constantInts(node.inputs[1]) : null;
  return node.is('Slice') && !!starts && starts.every((start) => start === 0);
}
