import { intAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Graph, Value } from '../graph/graph.js';
import { DataType } from '../onnx/data-types.js';
import type { StoredGraph } from '../patterns/stored-graph.js';
import type { Embedding } from '../sites/embeddings.js';
import type { Site } from '../sites/types.js';
import { type Neighbours, storedEdges } from './stored-edges.js';

/** What the overlay is told about the graph that the model runs on. */
export interface SmoothingOptions {
  /**
   * The model's own input that lists the neighbour pairs [2, pairs]; `null`: the overlay gets an input for them; or what the
   * model stores.
   */
  edges: string | null | StoredGraph;
  /** All sites of the model, of which not all may be read. */
  sites?: Site[];
  /** Numbers of float64 in one chunk of rows; memory grows with it, not with the graph. */
  chunkNumbers?: number;
}

/** Inputs that feed the sums over a graph, and where they come out. */
export interface SmoothingProbes {
  /** Neighbour pairs, int64 [2, pairs]; `null` when an input of the model lists them, or it stores them. */
  edges: string | null;
  /** Number of neighbours of each node, float32 [nodes]; `null` when the model stores its graph. */
  degrees: string | null;
  /** int64 scalar, 1 to compute the sums, 0 to skip them. */
  enabled: string;
  sites: SmoothingProbe[];
}

export interface SmoothingProbe {
  site: Embedding;
  /** Output, float64 [8 + 2 · features]: `SMOOTHING_SUMS`, then Σ (x − x₀) and x₀ by feature, x₀ being the first row. */
  sums: string;
  /** Output, float64 [features, features]: XᵀX; `null` where there are more than `MAX_RANK_FEATURES`. */
  gram: string | null;
}

/**
 * The first numbers of a probe's `sums`; `squares` is Σ (x − x₀)² over nodes and features, `nodes` are the embedding's rows,
 * `graphNodes` and `pairs` those of the graph.
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

/** Above this the effective rank is left out: XᵀX grows with the square, its eigenvalues with the cube. */
export const MAX_RANK_FEATURES = 1024;

const CHUNK_NUMBERS = 2 ** 20;

/**
 * Appends the sums behind the over-smoothing measures at the given sites, each an embedding [nodes, features].
 *
 * Both passes, over nodes and over edges, are Loops over chunks of rows in float64: no tensor of [edges, features] ever
 * exists, and embeddings that fade towards 1e-30, as deep stacks do, keep their digits. Where the site's rows are not
 * the graph's nodes (after pooling) the pass over edges is skipped, and `nodes` says how many rows there were.
 */
export function addSmoothing(
  graph: Graph,
  opset: number,
  embeddings: { site: Embedding; rows: Value }[],
  options: SmoothingOptions,
): SmoothingProbes {
  const b = new Builder(graph, opset, 'audit/neighbours/');
  const enabled = graph.addInput('audit.smoothing', { elemType: DataType.INT64, shape: [] });
  const { edges, degrees, fed } = neighbours(b, options.edges);
  const size = b.unsqueeze(b.cast(sizeOf(b, degrees, 0), DataType.DOUBLE), 0);
  const pairs = b.reduce('ReduceSum', b.cast(degrees, DataType.DOUBLE), [0]);
  const counts = b.op('Concat', [size, pairs], { axis: intAttribute(0) });
  const chunkNumbers = options.chunkNumbers ?? CHUNK_NUMBERS;
  const structure = { edges, degrees, enabled, counts, chunkNumbers };
  const sites = embeddings.map(({ site, rows }) =>
    smoothSite(new Builder(graph, opset, `audit/${site.id}/smoothing/`), site, rows, structure),
  );
  return { ...fed, enabled: enabled.name, sites };
}

function neighbours(
  b: Builder,
  known: SmoothingOptions['edges'],
): Neighbours & { fed: Pick<SmoothingProbes, 'edges' | 'degrees'> } {
  if (known !== null && typeof known === 'object') {
    return { ...storedEdges(b, known), fed: { edges: null, degrees: null } };
  }
  const { graph } = b;
  const own = known === null ? null : graph.inputs.find(({ name }) => name === known);
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

function smoothSite(b: Builder, site: Embedding, x: Value, structure: Structure): SmoothingProbe {
  const chunkRows = Math.max(1, Math.floor(structure.chunkNumbers / (site.neurons ?? 64)));
  const rows = sizeOf(b, x, 0);
  const first = b.cast(b.slice(x, b.ints([0]), b.ints([1]), 0), DataType.DOUBLE);
  const ranked = site.neurons === null || site.neurons <= MAX_RANK_FEATURES;
  const nodes = nodePass(b, x, first, trips(b, rows, chunkRows, [structure.enabled]), chunkRows, ranked);
  const sameNodes = b.cast(b.op('Equal', [rows, sizeOf(b, structure.degrees, 0)]), DataType.INT64);
  const pairs = sizeOf(b, structure.edges, 1);
  const edgeTrips = trips(b, pairs, chunkRows, [structure.enabled, sameNodes]);
  const edges = edgePass(b, x, structure, edgeTrips, chunkRows);
  const count = b.unsqueeze(b.cast(rows, DataType.DOUBLE), 0);
  const flat = (value: Value): Value => b.op('Reshape', [value, b.ints([-1])]);
  const sums = b.op(
    'Concat',
    [edges, nodes.sums, count, structure.counts, flat(nodes.shifted), flat(first)],
    {
      axis: intAttribute(0),
    },
  );
  b.graph.addOutput(sums);
  if (nodes.gram) b.graph.addOutput(nodes.gram);
  return { site, sums: sums.name, gram: nodes.gram?.name ?? null };
}

/** [energy, degreeEnergy, cosineDistance] over the pairs, float64 [3]. */
function edgePass(
  b: Builder,
  x: Value,
  { edges, degrees }: Structure,
  trip: Value,
  chunkRows: number,
): Value {
  const [sums] = b.loop(trip, [b.zeros([3])], (inside, iteration, [before]) => {
    const [start, end] = range(inside, iteration, chunkRows);
    const pairs = inside.slice(edges, start, end, 1);
    const ends = [0, 1].map((row) => {
      const nodes = inside.op('Gather', [pairs, inside.int(row)], { axis: intAttribute(0) });
      const embedding = inside.cast(inside.op('Gather', [x, nodes]), DataType.DOUBLE);
      const degree = inside.cast(inside.op('Gather', [degrees, nodes]), DataType.DOUBLE);
      const reach = inside.op('Sqrt', [inside.op('Add', [degree, inside.double(1)])]);
      return {
        embedding,
        scaled: inside.op('Div', [embedding, inside.unsqueeze(reach, 1)]),
        ...direction(inside, embedding),
      };
    });
    const [from, to] = [ends[0]!, ends[1]!];
    const energy = squaredDistance(inside, from.embedding, to.embedding);
    const degreeEnergy = squaredDistance(inside, from.scaled, to.scaled);
    // 1 − cos = ½‖u − v‖² for unit rows, which loses no digits where the rows are alike.
    const turned = squaredDistance(inside, from.unit, to.unit);
    const faded = squaredDistance(inside, from.zero, to.zero);
    const cosine = inside.op('Mul', [inside.op('Add', [turned, faded]), inside.double(0.5)]);
    const parts = [energy, degreeEnergy, cosine].map((part) => inside.unsqueeze(part, 0));
    return [inside.op('Add', [before!, inside.op('Concat', parts, { axis: intAttribute(0) })])];
  });
  return sums!;
}

/** Rows of length 1, and 1 where a row is zero: a direction of its own, at right angles to all others. */
function direction(b: Builder, rows: Value): { unit: Value; zero: Value } {
  const length = b.op('Sqrt', [b.reduce('ReduceSum', b.op('Mul', [rows, rows]), [1])]);
  const none = b.op('Equal', [length, b.double(0)]);
  const divisor = b.op('Where', [none, b.double(1), length]);
  return { unit: b.op('Div', [rows, divisor]), zero: b.cast(none, DataType.DOUBLE) };
}

/** ‖a − b‖² over all entries, scalar. */
function squaredDistance(b: Builder, left: Value, right: Value): Value {
  const apart = b.op('Sub', [left, right]);
  return b.op('ReduceSumSquare', [apart], { keepdims: intAttribute(0) });
}

/**
 * Over the rows: [zeros, squares] float64 [2]; Σ (x − x₀) [1, features]; XᵀX. Sums are of what a row differs from the
 * first by, so that equal rows give exactly zero and a large common offset costs no digits.
 */
function nodePass(
  b: Builder,
  x: Value,
  first: Value,
  trip: Value,
  chunkRows: number,
  ranked: boolean,
): { sums: Value; shifted: Value; gram: Value | null } {
  const none = b.op('Sub', [first, first]);
  const initial = [b.zeros([2]), none];
  if (ranked) initial.push(b.op('MatMul', [b.op('Transpose', [none]), none]));
  const [sums, shifted, gram] = b.loop(trip, initial, (inside, iteration, before) => {
    const [start, end] = range(inside, iteration, chunkRows);
    const rows = inside.cast(inside.slice(x, start, end, 0), DataType.DOUBLE);
    const apart = inside.op('Sub', [rows, first]);
    const empty = inside.cast(inside.op('Equal', [rows, inside.double(0)]), DataType.DOUBLE);
    const zeros = inside.op('ReduceSumSquare', [empty], { keepdims: intAttribute(0) });
    const squares = inside.op('ReduceSumSquare', [apart], { keepdims: intAttribute(0) });
    const parts = [zeros, squares].map((part) => inside.unsqueeze(part, 0));
    const after = [
      inside.op('Add', [before[0]!, inside.op('Concat', parts, { axis: intAttribute(0) })]),
      inside.op('Add', [before[1]!, inside.reduce('ReduceSum', apart, [0])]),
    ];
    if (before[2]) {
      const product = inside.op('MatMul', [inside.op('Transpose', [rows]), rows]);
      after.push(inside.op('Add', [before[2], product]));
    }
    return after;
  });
  return { sums: sums!, shifted: shifted!, gram: gram ?? null };
}

/** [iteration · chunk, (iteration + 1) · chunk) as int64 [1] each. */
function range(b: Builder, iteration: Value, chunkRows: number): [Value, Value] {
  const start = b.unsqueeze(b.op('Mul', [iteration, b.int(chunkRows)]), 0);
  return [start, b.op('Add', [start, b.ints([chunkRows])])];
}

/** ⌈size / chunk⌉, or 0 where one of the conditions (0 or 1) is 0. */
function trips(b: Builder, size: Value, chunkRows: number, conditions: Value[]): Value {
  const up = b.op('Add', [size, b.int(chunkRows - 1)]);
  return conditions.reduce((at, one) => b.op('Mul', [at, one]), b.op('Div', [up, b.int(chunkRows)]));
}

/** Size of an axis, int64 scalar. */
function sizeOf(b: Builder, value: Value, axis: number): Value {
  return b.op('Gather', [b.op('Shape', [value]), b.int(axis)]);
}
