import { intAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { slice } from '../graph/spelling.js';
import { DataType } from '../onnx/data-types.js';
import type { StoredGraph } from '../patterns/stored-graph.js';
import type { Embedding } from '../sites/embeddings.js';
import type { Site } from '../sites/types.js';
import { edgePass, nodePass } from './smoothing-passes.js';
import { type Neighbours, storedNeighbours } from './stored-edges.js';

/** The graph that the model runs on, as far as the overlay has to know it. */
export interface SmoothingOptions {
  /**
   * Source of the neighbour pairs [2, pairs]: the name of the model's own input that lists them; or the graph
   * that the model stores; or `null` for a new input of the overlay.
   */
  edges: string | null | StoredGraph;
  /** All sites of the model, of which not all may be read. */
  sites?: Site[];
  /** Numbers of float64 in one chunk of rows; memory grows with it, not with the graph. */
  chunkNumbers?: number;
}

/** Names of the overlay's inputs and outputs for the sums over a graph. */
export interface SmoothingProbes {
  /**
   * Input, neighbour pairs, int64 [2, pairs]; `null` if an input of the model lists them, or the model stores
   * them.
   */
  edges: string | null;
  /** Input, number of neighbours of each node, float32 [nodes]; `null` if the model stores its graph. */
  degrees: string | null;
  /** Input, int64 scalar: 1 computes the sums, 0 skips them. */
  enabled: string;
  sites: SmoothingProbe[];
}

export interface SmoothingProbe {
  site: Embedding;
  /**
   * Output, float64 [8 + 2 · features]: `SMOOTHING_SUMS`, then Σ (x − x₀) and x₀ by feature; x₀ is the first
   * row.
   */
  sums: string;
  /** Output, float64 [features, features]: XᵀX; `null` for more than `MAX_RANK_FEATURES`. */
  gram: string | null;
}

/**
 * Names of the first numbers of a probe's `sums`. `squares` is Σ (x − x₀)² over nodes and features; `nodes`
 * counts the embedding's rows; `graphNodes` and `pairs` are those of the graph.
 */
export const SMOOTHING_SUMS = [
  'energy',
  'degreeEnergy',
  'cosineDistance',
  'zeros',
  'squares',
  'nodes',
  'graphNodes',
  'pairs',
] as const;

/**
 * Most features of which the effective rank is computed: XᵀX grows with their square, its eigenvalues with
 * the cube.
 */
const MAX_RANK_FEATURES = 1024;

const CHUNK_NUMBERS = 2 ** 20;

/** Number of features that chunks are sized for if the model does not say how many there are. */
const USUAL_FEATURES = 64;

/**
 * Appends the sums that the over-smoothing measures need, at sites whose rows are embeddings [nodes,
 * features].
 *
 * Both passes, over nodes and over edges, are Loops over chunks of rows in float64. So no tensor of [edges,
 * features] ever exists, and embeddings that fade towards 1e-30, as deep stacks do, keep their digits. If the
 * site's rows are not the graph's nodes (after pooling), the pass over edges is skipped, and `nodes` says how
 * many rows there were.
 *
 * @returns `null` if the model stores its graph and its opset is too old to list the neighbours.
 */
export function addSmoothing(
  model: Model,
  embeddings: { site: Embedding; rows: Value }[],
  options: SmoothingOptions,
): SmoothingProbes | null {
  const b = Builder.of(model, 'audit/neighbours/');
  const found = neighbours(b, options.edges);
  if (!found) return null;
  const { edges, degrees, fed } = found;
  const enabled = b.graph.addInput('audit.smoothing', { elemType: DataType.INT64, shape: [] });
  const nodes = b.unsqueeze(b.cast(b.sizeOf(degrees, 0), DataType.DOUBLE), 0);
  const pairs = b.reduce('ReduceSum', b.cast(degrees, DataType.DOUBLE), [0]);
  const counts = b.op('Concat', [nodes, pairs], { axis: intAttribute(0) });
  const chunkNumbers = options.chunkNumbers ?? CHUNK_NUMBERS;
  const structure = { edges, degrees, enabled, counts, chunkNumbers };
  const sites = embeddings.map(({ site, rows }) =>
    addSums(Builder.of(model, `audit/${site.id}/smoothing/`), site, rows, structure),
  );
  return { ...fed, enabled: enabled.name, sites };
}

function neighbours(
  b: Builder,
  source: SmoothingOptions['edges'],
): (Neighbours & { fed: Pick<SmoothingProbes, 'edges' | 'degrees'> }) | null {
  if (source !== null && typeof source === 'object') {
    const stored = storedNeighbours(b, source);
    return stored && { ...stored, fed: { edges: null, degrees: null } };
  }
  const { graph } = b;
  const own = source === null ? null : graph.inputs.find(({ name }) => name === source);
  const edges = own ?? graph.addInput('audit.edges', { elemType: DataType.INT64, shape: [2, 'audit_pairs'] });
  const degrees = graph.addInput('audit.degrees', { elemType: DataType.FLOAT, shape: ['audit_nodes'] });
  return { edges, degrees, fed: { edges: own ? null : edges.name, degrees: degrees.name } };
}

interface Structure extends Neighbours {
  enabled: Value;
  /** float64 [2]: nodes, pairs. */
  counts: Value;
  chunkNumbers: number;
}

function addSums(b: Builder, site: Embedding, x: Value, structure: Structure): SmoothingProbe {
  const { edges, degrees, enabled, counts } = structure;
  const chunkRows = Math.max(1, Math.floor(structure.chunkNumbers / (site.neurons ?? USUAL_FEATURES)));
  const rows = b.sizeOf(x, 0);
  const first = b.cast(slice(b, x, b.ints([0]), b.ints([1]), 0), DataType.DOUBLE);
  const hasGram = site.neurons === null || site.neurons <= MAX_RANK_FEATURES;
  const overNodes = nodePass(b, x, first, trips(b, rows, chunkRows, [enabled]), chunkRows, hasGram);
  const sameNodes = b.cast(b.op('Equal', [rows, b.sizeOf(degrees, 0)]), DataType.INT64);
  const edgeTrips = trips(b, b.sizeOf(edges, 1), chunkRows, [enabled, sameNodes]);
  const overEdges = edgePass(b, x, structure, edgeTrips, chunkRows);
  const count = b.unsqueeze(b.cast(rows, DataType.DOUBLE), 0);
  const parts = [overEdges, overNodes.sums, count, counts, b.flat(overNodes.shifted), b.flat(first)];
  const sums = b.op('Concat', parts, { axis: intAttribute(0) });
  b.graph.addOutput(sums);
  if (overNodes.gram) b.graph.addOutput(overNodes.gram);
  return { site, sums: sums.name, gram: overNodes.gram?.name ?? null };
}

/** ⌈size / chunk⌉, or 0 if one of the conditions (0 or 1) is 0. */
function trips(b: Builder, size: Value, chunkRows: number, conditions: Value[]): Value {
  const up = b.op('Add', [size, b.int(chunkRows - 1)]);
  return conditions.reduce(
    (product, condition) => b.op('Mul', [product, condition]),
    b.op('Div', [up, b.int(chunkRows)]),
  );
}
