import type { BytePatch } from '../../files/patch.js';
import { bytesKey, checkOverlaySize, elementBits, elementRange, setElement } from '../../onnx/elements.js';
import { tensorBytes } from '../../onnx/tensor-bytes.js';
import type { TensorProto } from '../../onnx/types.js';
import type { NeuronWeights } from '../neuron-weights.js';
import type { PatchedWeights } from '../patched-weights.js';

/** Weights of a neuron that have become zero. */
export interface Zeroed {
  /** Flat indices of the stored elements (of the codes, where several are packed into a byte). */
  elements: number[];
  /** One for each element; where several elements share a byte they follow each other. */
  patches: BytePatch[];
}

/**
 * Sets incoming weights of a neuron to zero, quantized ones to the code that means zero. `patched` is
 * changed.
 *
 * @param incoming Indices of the weights, [fanIn].
 * @throws UserError when the changed tensors are too large for an overlay.
 */
export function setToZero(
  patched: PatchedWeights,
  { codes, element, zero }: NeuronWeights,
  neuron: number,
  incoming: readonly number[],
): Zeroed {
  const bytes = bytesToPatch(patched, codes);
  const bits = elementBits(codes.dataType)!;
  const { file, startBytes } = codes.span!;
  const elements = incoming.map((i) => element(neuron, i));
  const patches = incoming.map((i, k) => {
    const { start, end } = elementRange(bits, elements[k]!);
    const before = bytes.slice(start, end);
    setElement(bytes, bits, elements[k]!, zero(neuron, i));
    return { file, offsetBytes: startBytes + start, before, after: bytes.slice(start, end) };
  });
  return { elements, patches };
}

/**
 * Returns the weights as earlier rounds have left them: from memory where some have been changed, else from
 * disk.
 */
export function asPatched(weights: NeuronWeights, patched: PatchedWeights): NeuronWeights {
  const bytes = patched.get(bytesKey(weights.codes)!);
  return bytes ? { ...weights, codes: { ...weights.codes, rawData: bytes } } : weights;
}

function bytesToPatch(patched: PatchedWeights, codes: TensorProto): Uint8Array {
  const key = bytesKey(codes)!;
  const known = patched.get(key);
  if (known) return known;
  const { rawData: _, ...onDisk } = codes;
  const bytes = Uint8Array.from(tensorBytes(onDisk));
  checkOverlaySize([...patched.values()].reduce((sum, { length }) => sum + length, bytes.length));
  patched.set(key, bytes);
  return bytes;
}
