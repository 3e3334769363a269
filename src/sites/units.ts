import type { Graph, Node } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import { isAuxiliary } from '../patterns/activation-role.js';
import { type ActivationMiss, findActivations } from '../patterns/activations.js';
import { findAttention } from '../patterns/attention.js';
import { findGraphAttention } from '../patterns/graph-attention.js';
import { linearDownstream } from '../patterns/linear-downstream.js';
import { linearUpstream } from '../patterns/linear-upstream.js';
import { ACTIVATION_TOLERANCE } from '../patterns/nearest-activation.js';
import { residualAdd } from '../patterns/residual-add.js';
import { isHead, labelOf, type MlpContext, mlpAround } from './mlp-unit.js';
import type { Coverage, NearMiss } from './types.js';
import { type AttentionUnit, isConvolutional, type MlpUnit, type Unit } from './unit.js';

export interface FoundUnits {
  /** MLPs and attentions in execution order. */
  units: Unit[];
  /** Activation functions whose values are outputs of the model. */
  heads: MlpUnit[];
  misses: NearMiss[];
  coverage: Coverage;
}

/** Returns all MLPs and attentions of a graph, and what comes near to being one. */
export function findUnits(graph: Graph): FoundUnits {
  const position = new Map<Node, number>(topologicalOrder(graph).map((node, i) => [node, i]));
  const attention = findAttention(graph);
  const graphAttention = findGraphAttention(graph, new Set(attention.matches.map(({ core }) => core)));
  const activations = findActivations(graph);
  const starts = new Set(activations.matches.map(({ pre }) => pre));
  const unit = (
    match: AttentionUnit['attention'],
    more: Pick<Unit, 'order' | 'residual'>,
  ): AttentionUnit => ({
    ...more,
    kind: 'attention',
    attention: match,
    block: null,
    beside: false,
  });
  const units: Unit[] = [
    ...attention.matches.map((match) =>
      unit(match, {
        order: position.get(match.projection.node)!,
        residual: residualAdd(match.result.value, starts),
      }),
    ),
    ...graphAttention.matches.map((match) =>
      unit(match, { order: position.get(match.core)!, residual: null }),
    ),
  ];
  const overGraph = new Set(graphAttention.matches.map(({ core }) => core));
  const misses: NearMiss[] = attention.misses
    .filter(({ core }) => !overGraph.has(core))
    .map(({ core, reason }) => ({ what: 'attention', reason, at: labelOf(core) }));
  const hasAttention = attention.matches.length > 0;
  // The sums of a graph network over neighbours are no residual stream.
  const hasStream = hasAttention || graphAttention.matches.length === 0;
  const cores = new Set([...attention.matches, ...attention.misses].map(({ core }) => core));
  const context: MlpContext = { starts, headMeans: headMeansOf(graphAttention.matches) };
  const heads: MlpUnit[] = [];
  const coverage: Coverage = { activations: 0, sites: 0 };
  for (const match of activations.matches) {
    if (graphAttention.scoring.has(match.post.producer!) || isAuxiliary(match, cores)) continue;
    coverage.activations++;
    const found = mlpAround(match, context);
    if ('reason' in found) {
      misses.push(found);
      continue;
    }
    const mlp = { ...found, order: position.get(match.post.producer!)! };
    const missed =
      hasAttention && !mlp.residual && !isConvolutional(mlp) && !isHead(mlp) ? headMiss(mlp) : null;
    if (missed) misses.push(missed);
    else {
      coverage.sites++;
      if (isHead(mlp)) heads.push(mlp);
      else units.push(hasStream ? mlp : { ...mlp, residual: null });
    }
  }
  misses.push(...activations.misses.flatMap((miss) => unknownFunction(miss) ?? []));
  return { units: units.sort((a, b) => a.order - b.order), heads, misses, coverage };
}

function headMeansOf(matches: readonly AttentionUnit['attention'][]): MlpContext['headMeans'] {
  return new Map(
    matches.flatMap(({ result, averaged }) => (averaged ? [[result.value, averaged.neurons]] : [])),
  );
}

/** In a transformer an MLP adds to the residual stream. */
function headMiss({ activation, out }: MlpUnit): NearMiss {
  const at = labelOf(activation.post.producer!);
  const reason =
    out.length === 0
      ? `${activation.name} at ${at} feeds no linear layer directly: a head, not an MLP of a block`
      : `${activation.name} at ${at}: the layer after it is not added to the residual stream: a head, not an MLP of a block`;
  return { what: 'mlp', reason, at };
}

/** Returns a miss for a function between two linear layers that is no known activation function. */
function unknownFunction({ pre, post, nearest }: ActivationMiss): NearMiss | null {
  if (linearUpstream(pre).blocked || linearDownstream(post).length === 0) return null;
  const reason =
    `the function from ${pre.name} to ${post.name} stands between two linear layers but is no known activation: ` +
    `nearest is ${nearest.name}, which differs by ${nearest.difference.toPrecision(2)} at ${nearest.at} ` +
    `(${ACTIVATION_TOLERANCE} is allowed); name it with --map`;
  return { what: 'mlp', reason, at: post.name };
}
