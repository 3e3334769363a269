import { type Crossing, follow, passing } from '../graph/follow.js';
import type { Graph, Node, Use, Value } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';
import { topologicalOrder } from '../graph/traversal.js';
import { type LayerResult, layerResult } from './layer-result.js';
import { type Linear, linear, linearReading } from './linear.js';

/** softmax(Q·Kᵀ)·V, and the output projection that reads it. */
export interface AttentionMatch {
  /** Softmax, or the fused operator. */
  core: Node;
  projection: Linear;
  /** Projection plus bias [..., hidden], before the residual add. */
  result: LayerResult;
  /**
   * Set where the result is a mean over heads. A neuron has weights in every head then, and the projection
   * has more outputs than there are `neurons`; `null` if their number is not known.
   */
  averaged?: { neurons: number | null } | null;
}

/** An attention without an output projection, and why it has none. */
export interface UnprojectedAttention {
  core: Node;
  reason: string;
}

/** Nodes between a softmax, its product with V and the projection, at most. */
const ATTENTION_DEPTH = 16;

/** Returns every attention whose result is projected by a stored weight, in topological order. */
export function findAttention(graph: Graph): { matches: AttentionMatch[]; misses: UnprojectedAttention[] } {
  const matches: AttentionMatch[] = [];
  const misses: UnprojectedAttention[] = [];
  for (const node of topologicalOrder(graph)) {
    const mixed = mixedValues(node);
    if (!mixed) continue;
    const projection = projectionOf(mixed);
    if (projection) matches.push({ core: node, projection, result: layerResult(projection) });
    else misses.push({ core: node, reason: `no multiplication by a stored weight follows ${mixed.name}` });
  }
  return { matches, misses };
}

/** Returns softmax(Q·Kᵀ)·V for a fused attention or a Softmax; `null` for other nodes. */
function mixedValues(node: Node): Value | null {
  if (operatorOf(node).attention) return node.outputs[0] ?? null;
  if (!node.is('Softmax') || !node.outputs[0]) return null;
  const through = (step: Crossing): boolean =>
    step.output === 0 &&
    ((step.input === 0 && passing(step)) || step.node.is('Mul') || step.node.is('Where'));
  for (const at of follow(node.outputs[0], 'downstream', through, ATTENTION_DEPTH)) {
    const product = at.uses.find(multiplies);
    if (product) return linear(product.node) ? null : product.node.output;
  }
  return null;
}

/** probabilities · V: the probabilities are the left factor. */
function multiplies({ node, index }: Use): boolean {
  if (node.is('Einsum')) return true;
  return index === 0 && (node.is('MatMul') || node.is('FusedMatMul', 'com.microsoft'));
}

/** Returns the first multiplication by a stored weight after the heads are joined. */
function projectionOf(mixed: Value): Linear | null {
  const through = (step: Crossing): boolean =>
    passing(step) || (step.node.is('Transpose') && step.input === 0);
  for (const at of follow(mixed, 'downstream', through, ATTENTION_DEPTH)) {
    for (const use of at.uses) {
      const layer = linearReading(use);
      if (layer) return layer;
    }
  }
  return null;
}
