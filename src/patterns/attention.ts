import type { Graph, Node, Value } from '../graph/graph.js';
import { operatorOf, passesNumbers } from '../graph/operators.js';
import { topologicalOrder } from '../graph/traversal.js';
import { linearResult, type Result } from './after.js';
import { type Linear, linear } from './linear.js';

/** softmax(Q·Kᵀ)·V followed by the output projection. */
export interface AttentionMatch {
  /** Softmax, or the fused operator. */
  core: Node;
  projection: Linear;
  /** Projection plus bias [..., hidden], before the residual add. */
  result: Result;
  /** Set where heads were averaged: a neuron has weights in every head, the projection more outputs than there are `neurons`. */
  averaged?: { neurons: number | null } | null;
}

export interface AttentionMiss {
  core: Node;
  reason: string;
}

/** Every attention whose result is projected by a stored weight, in topological order. */
export function findAttention(graph: Graph): { matches: AttentionMatch[]; misses: AttentionMiss[] } {
  const matches: AttentionMatch[] = [];
  const misses: AttentionMiss[] = [];
  for (const node of topologicalOrder(graph)) {
    const mixed = operatorOf(node).attention
      ? node.output
      : node.is('Softmax')
        ? weighted(node.output)
        : null;
    if (!mixed) continue;
    const projection = project(mixed);
    if (projection) matches.push({ core: node, projection, result: linearResult(projection) });
    else misses.push({ core: node, reason: `no multiplication by a stored weight follows ${mixed.name}` });
  }
  return { matches, misses };
}

const MAX_STEPS = 16;

/** probabilities · V: the product in which the Softmax output is the left factor. */
function weighted(probabilities: Value, steps = MAX_STEPS): Value | null {
  if (steps === 0) return null;
  for (const { node, index } of probabilities.uses) {
    if (
      (node.is('MatMul') || (node.opType === 'FusedMatMul' && node.domain === 'com.microsoft')) &&
      index === 0
    ) {
      return linear(node) ? null : node.output;
    }
    if (node.is('Einsum')) return node.output;
    const passes = (index === 0 && passesNumbers(node)) || node.is('Mul') || node.is('Where');
    const found = passes && node.outputs[0] ? weighted(node.outputs[0], steps - 1) : null;
    if (found) return found;
  }
  return null;
}

/** The first multiplication by a stored weight after heads are joined. */
function project(mixed: Value, steps = MAX_STEPS): Linear | null {
  if (steps === 0) return null;
  for (const { node, index } of mixed.uses) {
    const layer = index === 0 ? linear(node) : null;
    if (layer) return layer;
    const passes = index === 0 && (passesNumbers(node) || node.is('Transpose'));
    const found = passes && node.outputs[0] ? project(node.outputs[0], steps - 1) : null;
    if (found) return found;
  }
  return null;
}
