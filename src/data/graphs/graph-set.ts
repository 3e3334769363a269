import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { arrayOf } from '../arrays/convert.js';
import { readNpz } from '../arrays/npz.js';
import { integersBelow, normals } from '../arrays/prng.js';
import { describeInput, unfilled } from '../feeds.js';
import type { DataSpec } from '../spec.js';
import type { Batch, DataSet, ModelInput } from '../types.js';
import { checked, checkNodes, checkWeights, emptySplit, nodeMask, noEdges, ownEdges } from './checks.js';
import { fillInputs, findRole, roleOf } from './fill.js';
import { readLinqs } from './linqs.js';
import { edgeEnds, edgesOf, graphStructure } from './structure.js';

type Arrays = Map<string, NdArray>;

/** Nodes of a random graph when the model fixes none. */
const randomNodes = 256;

/** True if the folder holds a graph in the LINQS format. */
export async function isGraphFolder(path: string): Promise<boolean> {
  return (await readdir(path)).some((name) => /\.content(\.gz)?$/.test(name));
}

/** Opens a LINQS folder as one batch. See {@link graphSet}. */
export async function graphFolderSet(
  path: string,
  spec: DataSpec,
  name = basename(resolve(path)),
): Promise<DataSet> {
  return graphSet(await readLinqs(path), path, spec, name);
}

/** Opens a .npz of a graph as one batch. See {@link graphSet}. */
export async function graphFileSet(path: string, spec: DataSpec, name = basename(path)): Promise<DataSet> {
  return graphSet(await readNpz(path), path, spec, name);
}

/** Makes a seeded random graph: normal features, four random edges a node. */
export function randomGraphSet(spec: DataSpec): DataSet {
  const stored = spec.storedGraph;
  const features = spec.inputs.find((input) => roleOf(input, stored !== undefined) === 'x');
  const width = features?.shape?.at(-1);
  if (features === undefined || typeof width !== 'number') {
    throw new UserError(
      `Random data needs an input of node features [nodes, features] with a fixed number of features${features ? `, found ${describeInput(features)}` : ''}.`,
      'input-unfilled',
    );
  }
  const fixed = features.shape?.at(-2);
  const nodes = typeof fixed === 'number' ? fixed : stored ? (stored.nodes?.nodes ?? null) : randomNodes;
  if (nodes === null) {
    throw new UserError(
      `The model stores the edges of its graph, and its input ${describeInput(features)} does not say how many nodes there are; supply their features as an array "x" with --data feeds.npz.`,
      'input-unfilled',
    );
  }
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
 * Returns a whole graph as one batch, a census: every node is seen. Inputs are matched by name, else by rank
 * and type: node features (float [nodes, features]), `edge_index` (integers [2, edges]), `edge_weight`, `adj`
 * (float [nodes, nodes], made from the edges where the file has none), `batch` (zeros), a node mask (ones).
 *
 * The array `mask` marks the nodes that count. With a `split` it is that split's `<split>_mask`.
 *
 * @throws UserError naming the input that cannot be filled or the array that does not fit.
 */
function graphSet(arrays: Arrays, path: string, spec: DataSpec, name: string): DataSet {
  const nodes = countNodes(arrays, spec.inputs, path);
  const stored = spec.storedGraph;
  checkNodes(nodes, stored?.nodes ?? null, name);
  const edgeIndex = stored ? null : edgeList(arrays);
  const ends = edgeIndex && edgeEnds(edgeIndex, nodes, path);
  const filled = fillInputs(
    spec.inputs,
    { arrays, nodes, ends, edges: edgeIndex, storesGraph: stored !== undefined },
    spec.graphNeeds,
  );
  const feeds: Record<string, NdArray> = {};
  for (const input of spec.inputs) {
    const array = filled.get(input.name);
    if (array === undefined) throw unfilled(input, path);
    feeds[input.name] = checked(input, array, path);
  }
  checkWeights(spec.inputs, feeds, path);
  const mask = nodeMask(arrays, spec.split, nodes, path);
  const labels = arrays.get('labels') ?? arrays.get('y');
  const counted = mask === null ? nodes : (mask.data as Uint8Array).reduce((sum, one) => sum + one, 0);
  const batch: Batch = { feeds, blocks: [0], sequences: 1, positions: counted, mask };
  if (labels !== undefined) batch.labels = labels;
  const ours = spec.shard === undefined || spec.shard.index % spec.shard.count === 0;
  const fedAsIs = spec.inputs.find((input) => filled.get(input.name) === edgeIndex)?.name ?? null;
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
    ...(stored && { graph: 'stored' as const }),
    ...(edgeIndex && ends && { graph: graphStructure(edgeIndex, ends, nodes, fedAsIs) }),
    positions: ours ? counted : 0,
    warnings: [
      ...(stored && name !== 'random' && edgeList(arrays) ? [ownEdges(name)] : []),
      ...(ends?.length === 0 ? [noEdges(name)] : []),
      ...(counted === 0 ? [emptySplit(name, spec.split)] : []),
    ],
    rangeBatch: async () => batch,
    async *batches(after = -1) {
      if (ours && after < 0) yield batch;
    },
  };
}

/** Returns the edges that the data lists, else those of the dense adjacency that it holds. */
function edgeList(arrays: Arrays): NdArray | null {
  const listed = findRole('edge_index', arrays);
  const adjacency = listed ? null : findRole('adj', arrays);
  return adjacency ? edgesOf(adjacency) : listed;
}

function countNodes(arrays: Arrays, inputs: ModelInput[], path: string): number {
  const named = inputs.filter((input) => ['x', 'adj'].includes(roleOf(input) ?? ''));
  const array =
    findRole('x', arrays) ?? named.map((input) => arrays.get(input.name)).find((each) => each !== undefined);
  const nodes = array?.dims.at(-2) ?? findRole('adj', arrays)?.dims.at(-1);
  if (nodes !== undefined && nodes > 0) return nodes;
  if (array !== undefined) {
    throw new UserError(
      `The node features of ${path} have the shape [${array.dims.join(', ')}]: expected [nodes, features], and at least one node.`,
      'data-bad-shape',
    );
  }
  throw new UserError(
    `${path} holds no node features: expected an array "x" [nodes, features], found ${[...arrays.keys()].join(', ')}.`,
    'data-bad-names',
  );
}
