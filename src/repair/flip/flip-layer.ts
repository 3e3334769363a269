import type { BytePatch } from '../../files/patch.js';
import { constantTensor } from '../../graph/constants.js';
import type { Node, Value } from '../../graph/graph.js';
import type { Model } from '../../graph/model.js';
import { bytesKey, checkOverlaySize } from '../../onnx/elements.js';
import { tensorBytes } from '../../onnx/tensor-bytes.js';
import { elementCount, readNumbers } from '../../onnx/tensors.js';
import type { TensorProto } from '../../onnx/types.js';
import { readersOf } from '../../patterns/quantized.js';
import type { PatchedWeights } from '../patched-weights.js';
import { readersByBytes, sharedReason } from '../tensor-readers.js';
import { negated, type ZeroPointAt } from './codes.js';
import { type Parameter, parametersOf } from './parameters.js';

/** A stored tensor all of whose numbers are negated. */
export interface FlippedTensor {
  kind: Parameter['kind'];
  initializer: string;
  dataType: number;
  elements: number;
  patch: BytePatch;
}

/**
 * Negates the layer whose sum `pre` is, in `patched`, which is changed; the model is only looked at. All sums
 * of the layer are negated exactly, since rounding is symmetric.
 *
 * @returns The reason where that cannot be done; nothing is changed then.
 * @throws UserError when the changed tensors are too large for an overlay.
 */
export function flipLayer(
  model: Model,
  pre: Value,
  patched: PatchedWeights,
): { tensors: FlippedTensor[] } | { reason: string } {
  const found = parametersOf(pre);
  if ('reason' in found) return found;
  const readers = readersByBytes(model);
  const tensors: FlippedTensor[] = [];
  for (const parameter of found.parameters) {
    const flipped = flipTensor(parameter, readers);
    if (flipped && 'reason' in flipped) return flipped;
    if (flipped) tensors.push(flipped);
  }
  const known = [...patched.values()].reduce((sum, { length }) => sum + length, 0);
  checkOverlaySize(tensors.reduce((sum, { patch }) => sum + patch.after.length, known));
  for (const { patch } of tensors) patched.set(keyOf(patch), patch.after);
  return { tensors };
}

/** Takes a flip back. */
export function unflip(tensors: readonly FlippedTensor[], patched: PatchedWeights): void {
  for (const { patch } of tensors) patched.delete(keyOf(patch));
}

/** Returns the key that `bytesKey` has for the patched tensor. */
function keyOf({ file, offsetBytes, before }: BytePatch): string {
  return bytesKey({ span: { file, startBytes: offsetBytes, endBytes: offsetBytes + before.length } })!;
}

/** Returns `null` for a bias that is zero: exporters store the zero biases of several layers once. */
function flipTensor(
  parameter: Parameter,
  readers: ReadonlyMap<string, Node[]>,
): FlippedTensor | null | { reason: string } {
  const { kind, value, reader } = parameter;
  const tensor = constantTensor(value)!;
  const name = `\`${value.name}\``;
  if (kind === 'bias' && !parameter.zeroPoint?.value && isZero(tensor)) return null;
  const all = readers.get(bytesKey(tensor) ?? '') ?? readersOf(value);
  const others = all.filter((node) => node !== reader);
  if (others.length > 0) return { reason: sharedReason(value.name, others) };
  if (!tensor.span) {
    return { reason: `${name} has its numbers one by one (no raw_data), so that none can be overwritten` };
  }
  const zeroPoint = zeroPoints(parameter, tensor);
  if (typeof zeroPoint === 'string') return { reason: zeroPoint };
  const before = Uint8Array.from(tensorBytes(tensor));
  const after = negated(before, tensor.dataType, zeroPoint);
  if ('reason' in after) return { reason: `${name} ${after.reason}` };
  const { file, startBytes: offsetBytes } = tensor.span;
  return {
    kind,
    initializer: value.name,
    dataType: tensor.dataType ?? 0,
    elements: elementCount(tensor),
    patch: { file, offsetBytes, before, after: after.bytes },
  };
}

function isZero(tensor: TensorProto): boolean {
  return readNumbers(tensor).every((number) => number === 0);
}

/** Returns the zero points of a tensor's codes; the reason where they are not known. */
function zeroPoints({ zeroPoint, value }: Parameter, tensor: TensorProto): ZeroPointAt | string {
  if (!zeroPoint?.value) return () => 0;
  const stored = constantTensor(zeroPoint.value);
  if (!stored) return `the zero point of \`${value.name}\` is computed`;
  const numbers = readNumbers(stored);
  if (numbers.length === 1) return () => numbers[0]!;
  const dims = tensor.dims.map(Number);
  const axis = zeroPoint.axis < 0 ? zeroPoint.axis + dims.length : zeroPoint.axis;
  if (numbers.length !== dims[axis]) return `the zero point of \`${value.name}\` fits no axis`;
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  return (element) => numbers[Math.floor(element / inner) % numbers.length]!;
}
