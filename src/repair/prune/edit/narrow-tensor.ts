import { constantTensor } from '../../../graph/constants.js';
import { setInput } from '../../../graph/edits.js';
import type { Use, Value } from '../../../graph/graph.js';
import { canCut, cutDims, cutTensor } from '../../../onnx/cut.js';
import { IN_MEMORY_BYTES } from '../../../onnx/payload.js';
import type { TensorProto } from '../../../onnx/types.js';
import type { Deferred } from '../../../onnx/writer.js';
import type { RemovedIndices } from './add-to-bias.js';

/**
 * Narrower tensors up to this size are made at once: shapes and biases stay readable for whoever looks at the
 * graph.
 */
const AT_ONCE_BYTES = 65_536;

/**
 * Returns an initializer that only this use reads. A shared one is copied; the tensor of a `Constant` becomes
 * one.
 */
export function ownInitializer({ node, index }: Use): Value {
  const value = node.inputs[index]!;
  if (value.tensor && value.uses.length === 1) return value;
  const tensor = constantTensor(value)!;
  const copy = node.graph.addInitializer({ ...tensor, name: value.name });
  copy.type = { elemType: tensor.dataType ?? 0, shape: tensor.dims.map(Number) };
  setInput(node, index, copy);
  return copy;
}

/**
 * Removes indices from an initializer.
 *
 * @param deferred Gets the bytes of a large tensor, which are read and written only when the model is.
 */
export function narrowTensor(
  value: Value,
  removed: RemovedIndices,
  deferred: Map<TensorProto, Deferred>,
): void {
  const tensor = value.tensor!;
  if (!canCut(tensor)) throw new Error(`${value.name} cannot be cut`);
  const rank = tensor.dims.length;
  const byAxis = new Map(
    [...removed].map(([axis, indices]) => [axis + rank, [...indices].sort((a, b) => a - b)]),
  );
  const dims = cutDims(tensor, byAxis);
  const bytes = cutTensor(tensor, byAxis);
  const { span: _, rawData: __, ...rest } = tensor;
  const empty = { floatData: [], doubleData: [], int32Data: [], int64Data: [], uint64Data: [] };
  const narrower: TensorProto = { ...rest, ...empty, dims: dims.map(BigInt), externalData: [] };
  // External data stays external, unless it is so small that it is written inline anyway.
  const isExternal = tensor.dataLocation === 1 && bytes.lengthBytes > IN_MEMORY_BYTES;
  if (!isExternal && bytes.lengthBytes <= AT_ONCE_BYTES) {
    delete narrower.dataLocation;
    narrower.rawData = joined(bytes);
  } else deferred.set(narrower, bytes);
  value.tensor = narrower;
  value.type = { elemType: tensor.dataType ?? 0, shape: dims };
}

function joined({ lengthBytes, chunks }: Deferred): Uint8Array {
  const all = new Uint8Array(lengthBytes);
  let at = 0;
  for (const chunk of chunks()) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
