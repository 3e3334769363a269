import type { ModelKind } from '../data/spec.js';
import type { ModelInput } from '../data/types.js';
import type { Graph } from '../graph/graph.js';
import { isFloat } from '../onnx/data-types.js';

/** The inputs that somebody must fill: those without a default. */
export function modelInputs(graph: Graph): ModelInput[] {
  return graph.inputs
    .filter(({ tensor }) => !tensor)
    .map(({ name, type }) => ({ name, elemType: type?.elemType ?? 0, shape: type?.shape ?? null }));
}

/** What the model is, as far as data goes; it decides what `sample` and `random` mean. */
export function modelKind(inputs: ModelInput[]): ModelKind {
  const names = inputs.map(({ name }) => name);
  if (names.some((name) => /(^|_)input_ids$/.test(name))) return 'text';
  if (names.some((name) => /^(edge_index|edge_weight|adj(acency)?\w*|edges)$/i.test(name))) return 'graph';
  if (inputs.some(({ elemType, shape }) => isFloat(elemType) && shape?.length === 4)) return 'image';
  return 'arrays';
}
