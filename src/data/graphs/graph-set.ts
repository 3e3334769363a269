import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { isFloat } from '../../onnx/data-types.js';
import { fitted } from '../arrays/array-set.js';
import { arrayOf, castTo, inputType, zeros } from '../arrays/convert.js';
import { readNpz } from '../arrays/npz.js';
import { integersBelow, normals } from '../arrays/prng.js';
import { describeInput, unfilled } from '../feeds.js';
import type { DataSpec } from '../spec.js';
import type { Batch, DataSet, ModelInput } from '../types.js';
import { normalisedAdjacency } from './adjacency.js';
import { readLinqs } from './linqs.js';

type Arrays = Map<string, NdArray>;

/** Nodes of a random graph when the model fixes none. */
const randomNodes = 256;

/** Whether the folder holds a graph in the LINQS format. */
export async function isGraphFolder(path: string): Promise<boolean> {
  return (await readdir(path)).some((name) => /\.content(\.gz)?$/.test(name));
}

/** A LINQS folder as one batch. See {@link graphSet}. */
export async function graphFolderSet(path: string, spec: DataSpec): Promise<DataSet> {
  return graphSet(await readLinqs(path), path, spec, basename(resolve(path)));
}

/** A .npz of a graph as one batch. See {@link graphSet}. */
export async function graphFileSet(path: string, spec: DataSpec, name = basename(path)): Promise<DataSet> {
  return graphSet(await readNpz(path), path, spec, name);
}

/** A seeded random graph: normal features, four random edges a node. */
export function randomGraphSet(spec: DataSpec): DataSet {
  const features = spec.inputs.find((input) => roleOf(input) === 'x');
  const width = features?.shape?.at(-1);
  if (features === undefined || typeof width !== 'number') {
    throw new UserError(
      `Random data needs an input of node features [nodes, features] with a fixed number of features${features ? `, found ${describeInput(features)}` : ''}.`,
      'input-unfilled',
    );
  }
  const fixed = features.shape?.at(-2);
  const nodes = typeof fixed === 'number' ? fixed : randomNodes;
  const ends = integersBelow(nodes, 1, 8 * nodes);
  return graphSet(
    new Map([
      ['x', { type: 'float32', dims: [nodes, width], data: normals(0, nodes * width) }],
      ['edge_index', arrayOf('int64', [2, 4 * nodes], ends)],
    ]),
    'random',
    spec,
    'random',
  );
}

/**
 * A whole graph as one batch, a census: every node is seen. Inputs are matched by name, else by what they are:
 * node features (float [nodes, features]), `edge_index` (integers [2, edges]), `edge_weight`, `adj` (float
 * [nodes, nodes], made from the edges where the file has none), `batch` (zeros).
 *
 * `mask` says which nodes count; with an explicit `--split` it is that split's `<split>_mask`.
 *
 * @throws UserError naming the input that cannot be filled or the array that does not fit.
 */
export function graphSet(arrays: Arrays, path: string, spec: DataSpec, name: string): DataSet {
  const feeds: Record<string, NdArray> = {};
  const nodes = countNodes(arrays, spec.inputs, path);
  checkEdges(arrays, nodes, path);
  for (const input of spec.inputs) {
    const array = matching(input, arrays, nodes);
    if (array === null) throw unfilled(input, path);
    feeds[input.name] = checked(input, array, path);
  }
  const mask = nodeMask(arrays, spec.split, nodes, path);
  const labels = arrays.get('labels') ?? arrays.get('y');
  const counted = mask === null ? nodes : (mask.data as Uint8Array).reduce((sum, one) => sum + one, 0);
  const batch: Batch = { feeds, blocks: [0], sequences: 1, positions: counted, mask };
  if (labels !== undefined) batch.labels = labels;
  const ours = spec.shard === undefined || spec.shard.index % spec.shard.count === 0;
  return {
    description: {
      name,
      variant: null,
      split: spec.split ?? null,
      tokenizer: null,
      seqLen: null,
      batchSize: 1,
    },
    kind: name === 'random' ? 'random' : 'graph',
    masked: mask !== null,
    census: name !== 'random',
    positions: ours ? counted : 0,
    warnings: [],
    rangeBatch: async () => batch,
    async *batches(after = -1) {
      if (ours && after < 0) yield batch;
    },
  };
}

/** What an input of a graph model is, by its name, else by rank and type. */
function roleOf(input: ModelInput): 'x' | 'edge_index' | 'edge_weight' | 'adj' | 'batch' | null {
  const name = input.name.toLowerCase();
  const rank = input.shape?.length ?? 2;
  const float = isFloat(input.elemType);
  if (/^(adj|a_hat|adjacency|a$)/.test(name) && float) return 'adj';
  if (/^edge_?(weight|attr)/.test(name) && float) return 'edge_weight';
  if (/^edge_?(index|list)|^edges$/.test(name) || (!float && rank === 2 && input.shape?.[0] === 2)) {
    return 'edge_index';
  }
  if (name === 'batch' && rank === 1) return 'batch';
  if (!float || rank !== 2) return null;
  const [rows, columns] = input.shape ?? [];
  return rows === columns && rows !== null && rows !== undefined ? 'adj' : 'x';
}

const aliases: Record<string, string[]> = {
  x: ['x', 'features', 'node_features', 'feat'],
  edge_index: ['edge_index', 'edges'],
  edge_weight: ['edge_weight', 'edge_attr'],
  adj: ['adj', 'adjacency'],
};

function matching(input: ModelInput, arrays: Arrays, nodes: number): NdArray | null {
  const own = arrays.get(input.name);
  if (own !== undefined) return own;
  const role = roleOf(input);
  if (role === null) return null;
  if (role === 'batch') return zeros('int64', [nodes]);
  const found = find(role, arrays);
  if (found !== null) return found;
  const edges = find('edge_index', arrays);
  if (edges === null) return null;
  if (role === 'adj') return normalisedAdjacency(edges, nodes);
  if (role === 'edge_weight' && input.shape?.length === 1) {
    return arrayOf('float32', [edges.dims[1]!], new Float32Array(edges.dims[1]!).fill(1));
  }
  return null;
}

function find(role: string, arrays: Arrays): NdArray | null {
  for (const name of aliases[role] ?? []) {
    const array = arrays.get(name);
    if (array !== undefined) return array;
  }
  return null;
}

function countNodes(arrays: Arrays, inputs: ModelInput[], path: string): number {
  const named = inputs.filter((input) => ['x', 'adj'].includes(roleOf(input) ?? ''));
  const array =
    find('x', arrays) ?? named.map((input) => arrays.get(input.name)).find((each) => each !== undefined);
  const nodes = array?.dims.at(-2) ?? find('adj', arrays)?.dims[0];
  if (nodes !== undefined && nodes > 0) return nodes;
  throw new UserError(
    `${path} holds no node features: expected an array "x" [nodes, features], found ${[...arrays.keys()].join(', ')}.`,
    'data-bad-names',
  );
}

function checkEdges(arrays: Arrays, nodes: number, path: string): void {
  const edges = find('edge_index', arrays);
  if (edges === null) return;
  if (edges.dims.length !== 2 || edges.dims[0] !== 2) {
    throw new UserError(
      `The array "edge_index" of ${path} has the shape [${edges.dims.join(', ')}]: expected [2, edges].`,
      'data-bad-shape',
    );
  }
  for (const end of edges.data) {
    if (Number(end) >= 0 && Number(end) < nodes) continue;
    throw new UserError(
      `An edge of ${path} ends at node ${end}, but there are ${nodes} nodes.`,
      'data-bad-graph',
    );
  }
}

/** Like {@link fitted}, and a fixed leading size must be the array's too: a graph is not cut into batches. */
function checked(input: ModelInput, array: NdArray, path: string): NdArray {
  const size = input.shape?.[0];
  if (typeof size === 'number' && size !== array.dims[0]) {
    throw new UserError(
      `${path} gives [${array.dims.join(', ')}] for the model's input ${describeInput(input)}: the export fixes another size of graph; export it with dynamic axes or supply its own graph.`,
      'data-bad-shape',
    );
  }
  return castTo(inputType(input.elemType, input.name), fitted(input, array, path));
}

function nodeMask(arrays: Arrays, split: string | undefined, nodes: number, path: string): NdArray | null {
  const name =
    split === undefined ? 'mask' : `${split === 'valid' || split === 'validation' ? 'val' : split}_mask`;
  const array = arrays.get(name);
  if (array === undefined && split === undefined) return null;
  if (array === undefined) {
    throw new UserError(`${path} has no split "${split}": expected an array "${name}" [nodes].`, 'bad-split');
  }
  if (array.dims.join() !== String(nodes)) {
    throw new UserError(
      `The array "${name}" of ${path} has the shape [${array.dims.join(', ')}]: expected [${nodes}], one for each node.`,
      'data-bad-shape',
    );
  }
  return {
    type: 'bool',
    dims: [nodes],
    data: Uint8Array.from(array.data as Uint8Array, (one) => (one ? 1 : 0)),
  };
}
