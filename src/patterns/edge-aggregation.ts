import { constantInts, constantTensor } from '../graph/constants.js';
import { follow } from '../graph/follow.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import { slicesFromStart } from './operands.js';

/** Σ over the edges into each node of weight · H[from], as a graph convolution aggregates. */
export interface EdgeAggregation {
  scatter: Node;
  /** The sums before the first edge is added: zeros [nodes, …features]. */
  start: Value;
  /** H [nodes, …features]: features, or heads and features (graph attention). */
  features: Value;
  /** Node numbers [edges], at least as many as in `to`. */
  from: Value;
  /** Node numbers [edges, 1] ([edges, 1, 1]), or as `indices`. */
  to: Value;
  /**
   * Node numbers [edges, …features], one for every number of the messages; `null` if they are `to`, repeated.
   */
  indices: Value | null;
  /** [edges, 1], or [edges, heads, 1]; `null` if every edge counts the same. */
  weights: Value | null;
  /** The messages [edges, …features], one row an edge. */
  messages: Value;
}

/**
 * Returns every sum over edges in a graph, in topological order, as PyTorch writes `scatter_add`:
 * ScatterElements(start, Expand(to), weights · Gather(H, from)), adding along the rows.
 */
export function edgeAggregations(graph: Graph): EdgeAggregation[] {
  return topologicalOrder(graph).flatMap((node) => edgeAggregation(node) ?? []);
}

function edgeAggregation(scatter: Node): EdgeAggregation | null {
  const [start, indices, updates] = scatter.inputs;
  if (!scatter.is('ScatterElements') || scatter.string('reduction', 'none') !== 'add') return null;
  if (scatter.int('axis', 0) !== 0 || !start || !indices || !updates) return null;
  const targets = targetsOf(indices);
  const messages = uncut(updates, indices);
  const producer = messages.producer;
  if (!targets || !producer) return null;
  const { to, featureAxes } = targets;
  const weighted = producer.is('Mul');
  const factors = weighted ? producer.inputs.map((input) => input?.producer ?? null) : [producer];
  const gather = factors.find((node) => gathersRows(node, featureAxes));
  if (!gather) return null;
  const weights = weighted ? producer.inputs.find((input) => input?.producer !== gather) : null;
  if (weights !== null && !(weights && endsInOne(weights, featureAxes))) return null;
  const [features, from] = gather.inputs;
  const full = to === indices ? indices : null;
  return { scatter, start, features: features!, from: from!, to, indices: full, weights, messages };
}

/**
 * Returns the node numbers [edges, 1, …] that an Expand repeats along the features; or, where the file stores
 * the result of all that, the repeated ones [edges, …features].
 */
function targetsOf(indices: Value): { to: Value; featureAxes: number } | null {
  const expand = indices.producer;
  if (expand?.is('Expand')) {
    const column = expand.input;
    const featureAxes = column ? Math.max(addedAxes(column), trailingOnes(column)) : 0;
    return featureAxes > 0 ? { to: column!, featureAxes } : null;
  }
  const rank = constantTensor(indices)?.dims.length ?? 0;
  return rank === 2 || rank === 3 ? { to: indices, featureAxes: rank - 1 } : null;
}

/** Returns the number of axes of size 1 after the first one of a stored column [edges, 1, …]. */
function trailingOnes(column: Value): number {
  const dims = constantTensor(column)?.dims ?? [];
  return dims.slice(1).every((size) => Number(size) === 1) ? dims.length - 1 : 0;
}

/**
 * Returns the number of axes of size 1 that one node adds after a vector's own: Reshape to [-1, 1, …], or
 * Unsqueeze.
 */
function addedAxes(value: Value): number {
  const node = value.producer;
  const listed = node?.inputs[1] ? constantInts(node.inputs[1]) : null;
  if (node?.is('Reshape')) {
    return listed?.[0] === -1 && listed.slice(1).every((size) => size === 1) ? listed.length - 1 : 0;
  }
  const axes = node?.is('Unsqueeze') ? (listed ?? node.ints('axes') ?? []) : [];
  return ['1', '-1', '1,2'].includes(axes.join()) ? axes.length : 0;
}

/** Returns true if weights are one number for all features of an edge (and head): the last axis was added. */
function endsInOne(weights: Value, trailing: number): boolean {
  const dims = constantTensor(weights)?.dims;
  if (dims) return dims.length === trailing + 1 && Number(dims.at(-1)) === 1;
  if (trailing === 1) return addedAxes(weights) === 1;
  const node = weights.producer;
  const axes = node?.inputs[1] ? constantInts(node.inputs[1]) : node?.ints('axes');
  if (node?.is('Unsqueeze')) return axes?.length === 1 && [-1, trailing].includes(axes[0]!);
  return node?.is('Reshape') === true && axes?.length === trailing + 1 && axes.at(-1) === 1;
}

/**
 * Returns true if a node gathers rows of a computed tensor: along axis 0, which is −2 of [nodes, features].
 */
function gathersRows(node: Node | null, trailing: number): node is Node {
  if (!node?.is('Gather') || !node.inputs[0] || !node.inputs[1] || node.inputs[0].tensor) return false;
  return [0, -1 - trailing].includes(node.int('axis', 0));
}

/**
 * Returns the messages before they are cut to the size of the indices, as exporters do before every Scatter.
 */
function uncut(updates: Value, indices: Value): Value {
  let source = updates;
  for (source of follow(updates, 'upstream', ({ node }) => node.is('Identity')));
  const node = source.producer;
  const size = node?.is('Slice') ? node.inputs[2]?.producer : null;
  const cuts = node && slicesFromStart(node) && size?.is('Shape') && size.input === indices;
  return cuts && node.input ? node.input : source;
}
