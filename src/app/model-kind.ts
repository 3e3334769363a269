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
export function modelKind(inputs: ModelInput[], storesGraph: boolean): ModelKind {
  const names = inputs.map(({ name }) => name);
  if (names.some((name) => /(^|_)input_ids$/.test(name))) return 'text';
  if (storesGraph || inputs.some((input) => isStructure(input, inputs))) return 'graph';
  if (inputs.some(({ elemType, shape }) => isFloat(elemType) && shape?.length === 4)) return 'image';
  return 'arrays';
}

/** Edges or an adjacency: by name, else integers [2, edges] or floats [nodes, nodes] beside features of as many nodes. */
function isStructure({ name, elemType, shape }: ModelInput, inputs: ModelInput[]): boolean {
  if (/^(edge_index|edge_weight|adj(acency)?\w*|edges)$/i.test(name)) return true;
  const features = inputs.filter(
    (other) => other.name !== name && isFloat(other.elemType) && other.shape?.length === shape?.length,
  );
  const [rows, columns] = shape?.slice(-2) ?? [];
  if (features.length === 0 || rows === undefined || rows === null || columns === undefined) return false;
  return isFloat(elemType)
    ? rows === columns &&
        features.some((other) => other.shape!.at(-2) === rows && other.shape!.at(-1) !== rows)
    : shape!.length === 2 && rows === 2;
}
