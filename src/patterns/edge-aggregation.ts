import { constantInts } from '../graph/constants.js';
import type { Graph } from '../graph/graph.js';
import type { Node } from '../graph/node.js';
import { topologicalOrder } from '../graph/traversal.js';
import type { Value } from '../graph/value.js';
import { moving, slicesFromStart } from './pass.js';

/** Σ over the edges into each node of weight · H[from]: what a graph convolution aggregates. */
export interface EdgeAggregation {
  scatter: Node;
  /** Where the sums start: zeros [nodes, …features]. */
  start: Value;
  /** H [nodes, …features]: features, or heads and features (graph attention). */
  features: Value;
  /** Axes of H behind the nodes': 1 or 2. */
  featureAxes: number;
  /** Node numbers [edges]. */
  from: Value;
  to: Value;
  /** [edges, 1], or [edges, heads, 1]; none where every edge counts the same. */
  weights: Value | null;
  /** The messages [edges, …features], one row an edge. */
  messages: Value;
}

/**
 * Every sum over edges in a graph, in topological order, as PyTorch writes `scatter_add`:
 * ScatterElements(start, Expand(to), weights · Gather(H, from)), adding along the rows.
 */
export function edgeAggregations(graph: Graph): EdgeAggregation[] {
  return topologicalOrder(graph).flatMap((node) => edgeAggregation(node) ?? []);
}

function edgeAggregation(scatter: Node): EdgeAggregation | null {
  const [start, indices, updates] = scatter.inputs;
  if (!scatter.is('ScatterElements') || scatter.string('reduction', 'none') !== 'add') return null;
  if (scatter.int('axis', 0) !== 0 || !start || !indices || !updates) return null;
  const expanded = expandedVector(indices);
  const messages = unsliced(updates);
  const producer = messages.producer;
  if (!expanded || !producer) return null;
  const { vector: to, trailing } = expanded;
  const weighted = producer.is('Mul');
  const factors = weighted ? producer.inputs.map((input) => input?.producer ?? null) : [producer];
  const gather = factors.find((node) => gathersRows(node, trailing));
  if (!gather) return null;
  const weights = weighted ? producer.inputs.find((input) => input?.producer !== gather) : null;
  if (weights !== null && !(weights && endsInOne(weights, trailing))) return null;
  const [features, from] = gather.inputs;
  return { scatter, start, features: features!, featureAxes: trailing, from: from!, to, weights, messages };
}

/** The vector [edges] that is made [edges, 1, …] and then repeated along the features; `trailing` is how many axes of 1 it got. */
function expandedVector(indices: Value): { vector: Value; trailing: number } | null {
  const expand = indices.producer;
  const column = expand?.is('Expand') ? expand.input : null;
  const trailing = column ? addedAxes(column) : 0;
  return trailing > 0 ? { vector: column!.producer!.input!, trailing } : null;
}

/** How many axes of 1 a vector got behind its own, in one node: Reshape to [-1, 1, …], or Unsqueeze. */
function addedAxes(value: Value): number {
  const node = value.producer;
  const listed = node?.inputs[1] ? constantInts(node.inputs[1]) : null;
  if (node?.is('Reshape')) {
    return listed?.[0] === -1 && listed.slice(1).every((size) => size === 1) ? listed.length - 1 : 0;
  }
  const axes = node?.is('Unsqueeze') ? (listed ?? node.ints('axes') ?? []) : [];
  return ['1', '-1', '1,2'].includes(axes.join()) ? axes.length : 0;
}

/** Whether weights are one number for all features of an edge (and head): the last axis was added. */
function endsInOne(weights: Value, trailing: number): boolean {
  if (trailing === 1) return addedAxes(weights) === 1;
  const node = weights.producer;
  const axes = node?.inputs[1] ? constantInts(node.inputs[1]) : node?.ints('axes');
  if (node?.is('Unsqueeze')) return axes?.length === 1 && [-1, trailing].includes(axes[0]!);
  return node?.is('Reshape') === true && axes?.length === trailing + 1 && axes.at(-1) === 1;
}

/** Whether a node gathers rows of a computed tensor: along axis 0, which is −2 of [nodes, features]. */
function gathersRows(node: Node | null, trailing: number): node is Node {
  if (!node?.is('Gather') || !node.inputs[0] || !node.inputs[1] || node.inputs[0].tensor) return false;
  return [0, -1 - trailing].includes(node.int('axis', 0));
}

function unsliced(value: Value): Value {
  const node = value.producer;
  return node && (slicesFromStart(node) || (moving(node) && node.is('Identity')))
    ? unsliced(node.input!)
    : value;
}
