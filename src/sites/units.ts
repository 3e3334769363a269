import type { Graph, Node, Value } from '../graph/graph.js';
import { reachableBackward, topologicalOrder } from '../graph/traversal.js';
import { type ActivationMatch, findActivations } from '../patterns/activations.js';
import { type AttentionMatch, findAttention } from '../patterns/attention.js';
import { gateDownstream } from '../patterns/gate.js';
import { findGraphAttention } from '../patterns/graph-attention.js';
import { layerResult } from '../patterns/layer-result.js';
import type { Linear } from '../patterns/linear.js';
import { linearDownstream } from '../patterns/linear-downstream.js';
import { linearUpstream, type UpstreamLinear } from '../patterns/linear-upstream.js';
import { ACTIVATION_TOLERANCE } from '../patterns/nearest-activation.js';
import { type ResidualAdd, residualAdd } from '../patterns/residual-add.js';
import { residualBlocks } from './residual-blocks.js';
import type { Miss } from './types.js';

/** An MLP: linear layer, activation function, perhaps a gate, linear layer. */
export interface MlpUnit {
  kind: 'mlp';
  activation: ActivationMatch;
  /** Layers whose sum is the activation's input. */
  into: UpstreamLinear[];
  /** How many there are, where that is known without a layer. */
  neurons: number | null;
  /** The other factor of a gated MLP, and the product that enters the down projection. */
  gate: { product: Value; up: UpstreamLinear[] } | null;
  /** Layers that read the MLP's inner neurons. */
  out: Linear[];
  /** Where the result joins the residual stream, in graphs that have one. */
  residual: ResidualAdd | null;
  /** See `residualBlocks`. */
  block: number | null;
  /** See `Placeable`. */
  beside: boolean;
  order: number;
}

export interface AttentionUnit {
  kind: 'attention';
  attention: AttentionMatch;
  residual: ResidualAdd | null;
  /** See `residualBlocks`. */
  block: number | null;
  /** See `Placeable`. */
  beside: boolean;
  order: number;
}

export type Unit = MlpUnit | AttentionUnit;

/** All MLPs and attentions of a graph in topological order, and what came near to being one. */
export function findUnits(graph: Graph): { units: Unit[]; misses: Miss[] } {
  const position = new Map<Node, number>(topologicalOrder(graph).map((node, i) => [node, i]));
  const attention = findAttention(graph);
  const activations = findActivations(graph);
  const graphAttention = findGraphAttention(graph, new Set(attention.matches.map(({ core }) => core)));
  const overGraph = new Set(graphAttention.matches.map(({ core }) => core));
  const misses: Miss[] = attention.misses
    .filter(({ core }) => !overGraph.has(core))
    .map(({ core, reason }) => ({ what: 'attention', reason, at: label(core) }));
  const starts = new Set(activations.matches.map(({ pre }) => pre));
  const units: Unit[] = attention.matches.map((match) => ({
    kind: 'attention',
    attention: match,
    residual: residualAdd(match.result.value, starts),
    block: null,
    beside: false,
    order: position.get(match.projection.node)!,
  }));
  const inTransformer = units.length > 0;
  const averaged = new Map(
    graphAttention.matches.flatMap(({ result, averaged }) =>
      averaged ? [[result.value, averaged.neurons]] : [],
    ),
  );
  for (const match of activations.matches) {
    if (graphAttention.scoring.has(match.post.producer!)) continue;
    const found = mlpAround(match, inTransformer, starts, averaged);
    if ('reason' in found) misses.push(found);
    else units.push({ ...found, order: position.get(match.post.producer!)! });
  }
  for (const { pre, post, nearest } of activations.misses) {
    if (linearUpstream(pre).blocked || linearDownstream(post).length === 0) continue;
    misses.push({
      what: 'mlp',
      reason:
        `the function from ${pre.name} to ${post.name} stands between two linear layers but is no known activation: ` +
        `nearest is ${nearest.name}, which differs by ${nearest.difference.toPrecision(2)} at ${nearest.at} ` +
        `(${ACTIVATION_TOLERANCE} is allowed); name it with --map`,
      at: post.name,
    });
  }
  for (const match of graphAttention.matches) {
    const order = position.get(match.core)!;
    units.push({ kind: 'attention', attention: match, residual: null, block: null, beside: false, order });
  }
  units.sort((a, b) => a.order - b.order);
  // A graph network's sums over neighbours are no residual stream.
  if (!inTransformer && graphAttention.matches.length > 0) for (const unit of units) unit.residual = null;
  if (inTransformer) return { units: withExperts(units), misses };
  return { units: graphAttention.matches.length > 0 ? units : inBlocks(units), misses };
}

/** Marks MLPs that do not depend on the MLP right before them. */
function withExperts(units: Unit[]): Unit[] {
  return units.map((unit, i) => {
    const before = units[i - 1];
    if (unit.kind !== 'mlp' || before?.kind !== 'mlp') return unit;
    const sources = reachableBackward([unit.activation.pre]);
    return { ...unit, beside: !sources.has(before.activation.post.producer!) };
  });
}

function inBlocks(units: Unit[]): Unit[] {
  const mlps = units.filter((unit) => unit.kind === 'mlp');
  const blocks = residualBlocks(mlps);
  return mlps.map((unit, i) => ({ ...unit, block: blocks[i]! }));
}

function mlpAround(
  activation: ActivationMatch,
  inTransformer: boolean,
  starts: ReadonlySet<Value>,
  averagedHeads: ReadonlyMap<Value, number | null>,
): Omit<MlpUnit, 'order'> | Miss {
  const { pre, post, name, bias } = activation;
  const at = label(post.producer!);
  // What averages heads has no weight row of its own behind a neuron.
  const behind = averagedHeads.has(pre) ? { found: [], blocked: null } : linearUpstream(pre);
  if (behind.blocked) {
    const reason = `${name} at ${at} has no linear layer with stored weights before it: ${behind.blocked.reason} (${behind.blocked.at})`;
    return { what: 'mlp', reason, at };
  }
  const into = bias ? behind.found.map((layer) => ({ ...layer, bias })) : behind.found;
  const gate = gateOf(post);
  const out = linearDownstream(gate?.product ?? post);
  const residual = firstOf(out, (layer) => residualAdd(layerResult(layer).value, starts));
  if (inTransformer && !residual) {
    const reason =
      out.length === 0
        ? `${name} at ${at} feeds no linear layer directly: a head, not an MLP of a block`
        : `${name} at ${at}: the layer after it is not added to the residual stream: a head, not an MLP of a block`;
    return { what: 'mlp', reason, at };
  }
  const neurons = averagedHeads.get(pre) ?? null;
  return { kind: 'mlp', activation, into, neurons, gate, out, residual, block: null, beside: false };
}

function firstOf<T, R>(items: T[], find: (item: T) => R | null): R | null {
  for (const item of items) {
    const found = find(item);
    if (found) return found;
  }
  return null;
}

function gateOf(post: Value): MlpUnit['gate'] {
  const gate = gateDownstream(post);
  if (!gate) return null;
  const up = linearUpstream(gate.up);
  return up.blocked ? null : { product: gate.product, up: up.found };
}

const label = (node: Node): string => node.name || node.outputs[0]?.name || node.opType;
