import { constantTensor } from '../graph/constants.js';
import type { Graph } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { allGraphs } from '../graph/traversal.js';
import { bytesKey } from '../onnx/elements.js';
import type { AttributeProto, FunctionProto, TensorProto } from '../onnx/types.js';

/** The bytes of changed tensors, whole and in memory, by `bytesKey`. The file stays as it is. */
export type PatchedWeights = Map<string, Uint8Array>;

/**
 * Puts changed tensors into a model wherever it refers to their bytes: initializers and `Constant` nodes, in
 * nested graphs and functions too. All other weights stay on disk. Only the model is changed, not the
 * messages it was read from.
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
  const node = proto.node.map((each) => ({
    ...each,
    attribute: each.attribute.map((attribute) => patchAttribute(attribute, replace)),
  }));
  return { ...proto, node };
}

function patchAttribute(proto: AttributeProto, replace: Replace): AttributeProto {
  const tensor = proto.t && replace(proto.t);
  return tensor ? { ...proto, t: tensor } : proto;
}
