import type { NdArray } from '../../onnx/array.js';
import { isFloat } from '../../onnx/data-types.js';
import { arrayOf, zeros } from '../arrays/convert.js';
import type { ModelInput } from '../types.js';
import { denseAdjacency, EVERYTHING, type GraphNeeds, weightedEdges } from './adjacency.js';

export type Role = 'x' | 'edge_index' | 'edge_weight' | 'adj' | 'batch' | 'mask';

/**
 * Returns the role of a graph model's input, by its name, else by rank and type. A model that stores its
 * graph takes none.
 */
export function roleOf(input: ModelInput, storesGraph = false): Role | null {
  const name = input.name.toLowerCase();
  const rank = input.shape?.length ?? 2;
  const float = isFloat(input.elemType);
  if (/^(adj|a_hat|adjacency|a$)/.test(name) && float) return 'adj';
  if (/^edge_?(weight|attr)/.test(name) && float) return 'edge_weight';
  if (/^edge_?(index|list)|^edges$/.test(name) || (!float && rank === 2 && input.shape?.[0] === 2)) {
    return 'edge_index';
  }
  if (/^batch(_index)?$/.test(name) && rank === 1) return 'batch';
  if (/(^|_)mask$/.test(name)) return 'mask';
  if (!float || (rank !== 2 && rank !== 3)) return null;
  const [rows, columns] = input.shape?.slice(-2) ?? [];
  return rows === columns && rows !== null && rows !== undefined && !storesGraph ? 'adj' : 'x';
}

const aliases: Record<Role, string[]> = {
  x: ['x', 'features', 'node_features', 'feat'],
  edge_index: ['edge_index', 'edges'],
  edge_weight: ['edge_weight', 'edge_attr'],
  adj: ['adj', 'adjacency'],
  batch: ['batch'],
  mask: ['node_mask'],
};

/** Finds the array of a role under any of its names. */
export function findRole(role: Role, arrays: ReadonlyMap<string, NdArray>): NdArray | null {
  for (const name of aliases[role]) {
    const array = arrays.get(name);
    if (array !== undefined) return array;
  }
  return null;
}

/** Known parts of a graph: the arrays of the data, and the ends of its edges [2, edges]. */
export interface KnownGraph {
  arrays: ReadonlyMap<string, NdArray>;
  nodes: number;
  ends: Int32Array | null;
  /** The same as an array [2, edges], listed or from an adjacency. */
  edges: NdArray | null;
  /** True if the model stores its graph: then it takes features alone. */
  storesGraph?: boolean;
}

/**
 * Returns an array for every input that can be filled: by its own name, by its role, or from the edges.
 * Arrays of the input's name in the data are taken as they are. Steps that the model does not do itself
 * (`needs`) are done here: self loops, normalisation.
 */
export function fillInputs(
  inputs: ModelInput[],
  graph: KnownGraph,
  needs: GraphNeeds = EVERYTHING,
): Map<string, NdArray> {
  const { arrays, nodes, ends, storesGraph } = graph;
  const takesWeights = inputs.some((input) => roleOf(input) === 'edge_weight' && input.shape?.length !== 2);
  const givenWeights = inputs.some(
    (input) => roleOf(input) === 'edge_weight' && (arrays.has(input.name) || findRole('edge_weight', arrays)),
  );
  const made = takesWeights && !givenWeights && ends ? weightedEdges(ends, nodes, needs) : null;
  const filled = new Map<string, NdArray>();
  for (const input of inputs) {
    const role = roleOf(input, storesGraph);
    const own = arrays.get(input.name);
    const array =
      made && role === 'edge_index'
        ? made.edges
        : (own ?? (role && (findRole(role, arrays) ?? madeFor(input, role, graph, needs, made?.weights))));
    if (array) filled.set(input.name, withRank(array, input));
  }
  return filled;
}

function madeFor(
  input: ModelInput,
  role: Role,
  { nodes, ends, edges }: KnownGraph,
  needs: GraphNeeds,
  weights: NdArray | undefined,
): NdArray | null {
  if (role === 'edge_index') return edges;
  if (role === 'batch') return zeros('int64', [nodes]);
  if (role === 'mask') return arrayOf('uint8', [nodes], new Uint8Array(nodes).fill(1));
  if (role === 'adj' && ends) return denseAdjacency(ends, nodes, needs);
  if (role === 'edge_weight' && input.shape?.length !== 2) return weights ?? null;
  return null;
}

/** Adds a leading axis of 1 if the model takes a batch of graphs: [1, nodes, features]. */
function withRank(array: NdArray, { shape }: ModelInput): NdArray {
  return shape && shape.length === array.dims.length + 1 ? { ...array, dims: [1, ...array.dims] } : array;
}
