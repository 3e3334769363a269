import type { Graph } from '../graph/graph.js';
import type { Node } from '../graph/node.js';
import { topologicalOrder } from '../graph/traversal.js';
import type { Value } from '../graph/value.js';
import { resultFrom } from './after.js';
import type { AttentionMatch } from './attention.js';
import { linearBehind } from './behind.js';
import { moving, slicesFromStart } from './pass.js';

/**
 * Attention over the edges of a graph: out_i = Σ_{j∈N_i} α_ij · W x_j (+ b), α being a softmax over the edges into i
 * (Veličković et al. 2018; GATv2 and the graph transformer sum the same way). The sum is a Scatter that adds; the softmax is
 * written out as exp(e) / Σ exp(e), with the sum gathered back to the edges. There is no output projection: what is read is
 * the aggregated output with its bias, heads joined or averaged, and the weight behind it is W.
 */
export function findGraphAttention(graph: Graph): AttentionMatch[] {
  return topologicalOrder(graph).flatMap((core) => {
    const scatters = /^Scatter(Elements|ND)$/.test(core.opType) && core.string('reduction', 'none') === 'add';
    const product = scatters ? producerBefore(core.inputs[2]) : null;
    if (!product?.is('Mul')) return [];
    const coefficients = product.inputs.findIndex(isEdgeSoftmax);
    const values = product.inputs[1 - coefficients];
    const projection = coefficients >= 0 && values ? linearBehind(values).found[0] : undefined;
    if (!projection) return [];
    return [{ core, projection, result: resultFrom(joinedHeads(core.output), null, null) }];
  });
}

/** Whether a value [edges, …] is exp(…) / gathered sum, or a Softmax. */
function isEdgeSoftmax(value: Value | null): boolean {
  const node = producerBefore(value);
  if (node?.is('Softmax')) return true;
  return !!node?.is('Div') && !!producerBefore(node.input)?.is('Exp');
}

/** The node that computes a value, seen through moves. */
function producerBefore(value: Value | null | undefined): Node | null {
  let node = value?.producer ?? null;
  for (let steps = 0; node && steps < 8; steps++) {
    if (!moving(node) && !slicesFromStart(node)) return node;
    node = node.input?.producer ?? null;
  }
  return node;
}

/** Heads side by side (a Reshape) or averaged. */
function joinedHeads(value: Value): Value {
  const uses = value.uses.filter(({ node }) => !node.is('Shape') && !node.is('Size'));
  const [use] = uses;
  const passes =
    use && uses.length === 1 && use.index === 0 && (moving(use.node) || use.node.is('ReduceMean'));
  return passes ? joinedHeads(use.node.output) : value;
}
