import type { BytePatch } from '../files/patch.js';
import { constantTensor } from '../graph/constants.js';
import type { Graph } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { allGraphs } from '../graph/traversal.js';
import { bytesKey, checkOverlaySize, elementBits, elementRange, setElement } from '../onnx/elements.js';
import { tensorBytes } from '../onnx/tensor-bytes.js';
import type { AttributeProto, FunctionProto, TensorProto } from '../onnx/types.js';
import type { NeuronWeights } from './neuron-weights.js';

/**
 * Tensors of a model with some elements changed, by `bytesKey`: whole in memory, but only those that are changed.
 * The file stays as it is.
 */
export type PatchedWeights = Map<string, Uint8Array>;

/** What one change did to the incoming weights of a neuron. */
export interface NeuronChange {
  neuron: number;
  /** Flat indices of the stored elements (of the codes, where several are packed into a byte). */
  elements: number[];
  /** One for each element; where several elements share a byte they follow each other. */
  patches: BytePatch[];
}

/** The weights as they are by now: from disk, or from memory where some have been changed. */
export function asPatched(weights: NeuronWeights, patched: PatchedWeights): NeuronWeights {
  const bytes = patched.get(bytesKey(weights.codes)!);
  return bytes ? { ...weights, codes: { ...weights.codes, rawData: bytes } } : weights;
}

/** Sets incoming weights of a neuron to zero (quantized ones to the code that means zero). `patched` is changed. */
export function setToZero(
  patched: PatchedWeights,
  weights: NeuronWeights,
  neuron: number,
  incoming: readonly number[],
): NeuronChange {
  const { codes, element, zero } = weights;
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
  return { neuron, elements, patches };
}

function bytesToPatch(patched: PatchedWeights, codes: TensorProto): Uint8Array {
  const key = bytesKey(codes)!;
  const known = patched.get(key);
  if (known) return known;
  const { rawData: _, ...onDisk } = codes;
  const bytes = Uint8Array.from(tensorBytes(onDisk));
  const total = [...patched.values()].reduce((sum, { length }) => sum + length, bytes.length);
  checkOverlaySize(total);
  patched.set(key, bytes);
  return bytes;
}

/**
 * Puts changed tensors into a model wherever it refers to their bytes: initializers and `Constant` nodes, in nested
 * graphs and functions too. All other weights stay on disk. Only the model is changed, not the messages it was read
 * from.
 */
export function applyPatched(model: Model, patched: PatchedWeights): { modified: boolean } {
  let modified = false;
  const replace = (tensor: TensorProto): TensorProto | null => {
    const bytes = patched.get(bytesKey(tensor) ?? '');
    if (!bytes) return null;
    modified = true;
    const { span: _span, externalData: _data, dataLocation: _location, ...rest } = tensor;
    return { ...rest, externalData: [], rawData: bytes, floatData: [], doubleData: [] };
  };
  if (patched.size === 0) return { modified };
  for (const graph of allGraphs(model.graph)) patchGraph(graph, replace);
  model.functions = model.functions.map((proto) => patchFunction(proto, replace));
  return { modified };
}

type Replace = (tensor: TensorProto) => TensorProto | null;

function patchGraph(graph: Graph, replace: Replace): void {
  for (const value of graph.initializers)
    value.tensor = (value.tensor && replace(value.tensor)) ?? value.tensor;
  for (const node of graph.nodes) {
    if (!node.is('Constant') || !constantTensor(node.output)) continue;
    for (const [name, { proto, graphs }] of node.attributes) {
      node.attributes.set(name, { proto: patchAttribute(proto, replace), graphs });
    }
  }
}

function patchFunction(proto: FunctionProto, replace: Replace): FunctionProto {
  const node = proto.node.map((one) => ({
    ...one,
    attribute: one.attribute.map((attribute) => patchAttribute(attribute, replace)),
  }));
  return { ...proto, node };
}

function patchAttribute(proto: AttributeProto, replace: Replace): AttributeProto {
  const t = proto.t && replace(proto.t);
  return t ? { ...proto, t } : proto;
}
