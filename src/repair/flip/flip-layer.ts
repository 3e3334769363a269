import type { BytePatch } from '../../files/patch.js';
import { constantTensor } from '../../graph/constants.js';
import type { Value } from '../../graph/graph.js';
import type { Model } from '../../graph/model.js';
import { allGraphs } from '../../graph/traversal.js';
import { bytesKey, checkOverlaySize } from '../../onnx/elements.js';
import { tensorBytes } from '../../onnx/tensor-bytes.js';
import { elementCount } from '../../onnx/tensor-size.js';
import { readNumbers } from '../../onnx/tensors.js';
import type { TensorProto } from '../../onnx/types.js';
import { readersOf } from '../../patterns/quantized.js';
import type { PatchedWeights } from '../patched-weights.js';
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
 * Negates the layer whose sum `pre` is, in `patched`, which is changed; the model is only looked at. All sums of the
 * layer are negated exactly: rounding is symmetric.
 *
 * @returns The reason where that cannot be done; nothing is changed then.
 */
export function flipLayer(
  model: Model,
  pre: Value,
  patched: PatchedWeights,
): { tensors: FlippedTensor[]; reason: null } | { tensors: null; reason: string } {
  const { parameters, reason } = parametersOf(pre);
  if (reason !== null) return { tensors: null, reason };
  const tensors: FlippedTensor[] = [];
  for (const parameter of parameters) {
    const flipped = flipTensor(model, parameter);
    if (flipped && 'reason' in flipped) return { tensors: null, reason: flipped.reason };
    if (flipped) tensors.push(flipped);
  }
  const known = [...patched.values()].reduce((sum, { length }) => sum + length, 0);
  checkOverlaySize(tensors.reduce((sum, { patch }) => sum + patch.after.length, known));
  for (const { patch } of tensors) patched.set(keyOf(patch), patch.after);
  return { tensors, reason: null };
}

/** Takes a flip back. */
export function unflip(tensors: readonly FlippedTensor[], patched: PatchedWeights): void {
  for (const { patch } of tensors) patched.delete(keyOf(patch));
}

/** The key of `bytesKey`. */
function keyOf({ file, offsetBytes, before }: BytePatch): string {
  return `${offsetBytes}-${offsetBytes + before.length}:${file}`;
}

/** `null` for what is shared, but zero: exporters store the zero biases of several layers once. */
function flipTensor(model: Model, parameter: Parameter): FlippedTensor | null | { reason: string } {
  const { kind, value } = parameter;
  const tensor = constantTensor(value)!;
  const name = `\`${value.name}\``;
  if (kind === 'bias' && !parameter.zeroPoint?.value && isZero(tensor)) return null;
  const others = sharedWith(model, parameter, tensor);
  if (others.length > 0) {
    return {
      reason: `${name} is shared: ${others.slice(0, 3).join(', ')} read${others.length > 1 ? '' : 's'} it too`,
    };
  }
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

/** Names of the other nodes that read the tensor or its bytes. */
function sharedWith(model: Model, { value, reader }: Parameter, tensor: TensorProto): string[] {
  const key = bytesKey(tensor);
  const same = [value];
  for (const graph of allGraphs(model.graph)) {
    const constants = [...graph.nodes].filter((node) => node.is('Constant')).map((node) => node.output);
    for (const other of [...graph.initializers, ...constants]) {
      const found = other === value ? null : constantTensor(other);
      if (key !== null && found && bytesKey(found) === key) same.push(other);
    }
  }
  return same
    .flatMap(readersOf)
    .filter((node) => node !== reader && !node.is('Shape') && !node.is('Size'))
    .map(({ name, opType }) => name || opType);
}

function zeroPoints({ zeroPoint, value }: Parameter, tensor: TensorProto): ZeroPointAt | string {
  if (!zeroPoint?.value) return () => 0;
  const stored = constantTensor(zeroPoint.value);
  if (!stored) return `the zero point of \`${value.name}\` is computed`;
  const numbers = readNumbers(stored);
  if (numbers.length === 1) return () => numbers[0]!;
  const dims = tensor.dims.map(Number);
  const axis = zeroPoint.axis < 0 ? zeroPoint.axis + dims.length : zeroPoint.axis;
  if (numbers.length !== dims[axis]) return `the zero point of \`${value.name}\` fits no axis`;
  const inner = dims.slice(axis + 1).reduce((product, n) => product * n, 1);
  return (element) => numbers[Math.floor(element / inner) % numbers.length]!;
}
