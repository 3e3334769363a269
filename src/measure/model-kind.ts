import type { ModelKind } from '../data/spec.js';
import type { ModelInput } from '../data/types.js';
import type { Graph } from '../graph/graph.js';
import type { Dimension } from '../graph/types.js';
import { isFloat } from '../onnx/data-types.js';

/** Returns the inputs that must be filled: those without a default. */
export function modelInputs(graph: Graph): ModelInput[] {
  return graph.inputs
    .filter(({ tensor }) => !tensor)
    .map(({ name, type }) => ({ name, elemType: type?.elemType ?? 0, shape: type?.shape ?? null }));
}

/**
 * Facts of a graph model's structure: it stores a graph, or multiplies embeddings with an input from the
 * left.
 */
export interface GraphKind {
  stored: boolean;
  fed: boolean;
}

/** Returns the kind of data that the model takes. It decides what `sample` and `random` mean. */
export function modelKind(inputs: ModelInput[], graph: GraphKind): ModelKind {
  const names = inputs.map(({ name }) => name);
  if (names.some((name) => /(^|_)input_ids$/.test(name))) return 'text';
  if (graph.stored || graph.fed || inputs.some((input) => isStructure(input, inputs))) return 'graph';
  if (inputs.some(({ elemType, shape }) => isFloat(elemType) && shape?.length === 4)) return 'image';
  return 'arrays';
}

/**
 * True for edges or an adjacency by name, and for integers [2, edges] beside features of any number of nodes.
 */
function isStructure({ name, elemType, shape }: ModelInput, inputs: ModelInput[]): boolean {
  if (/^(edge_index|edge_weight|adj(acency)?\w*|edges)$/i.test(name)) return true;
  const open = (size: Dimension | undefined): boolean => typeof size !== 'number';
  if (isFloat(elemType) || shape?.length !== 2 || shape[0] !== 2 || !open(shape[1])) return false;
  return inputs.some((other) => isFloat(other.elemType) && other.shape?.length === 2 && open(other.shape[0]));
}
