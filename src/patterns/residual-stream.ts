import { type Crossing, follow } from '../graph/follow.js';
import type { Node, Value } from '../graph/graph.js';
import { linear } from './linear.js';
import { isVector } from './operands.js';

/**
 * True if a walk up a residual stream may cross a linear layer, as patch merging between stages of a ViT is
 * one.
 */
export type Merging = 'merging' | 'straight';

/**
 * Returns which of the residual additions `known` a stream holds: those upstream of it that are reached
 * through additions, normalisation and moves, but through no other addition that is known. A linear layer is
 * crossed only with `merging`, and only where nothing else is found and no embedding enters beside it.
 */
export function addsInStream(
  stream: Value,
  known: ReadonlyMap<Node, unknown>,
  merging: Merging = 'merging',
): Node[] {
  const straight = climb(stream, known, 'straight');
  if (merging === 'straight' || straight.found.length > 0 || straight.embedded) return straight.found;
  const through = climb(stream, known, 'merging');
  return through.embedded ? [] : through.found;
}

function climb(
  stream: Value,
  known: ReadonlyMap<Node, unknown>,
  merging: Merging,
): { found: Node[]; embedded: boolean } {
  const found = new Set<Node>();
  let embedded = false;
  const through = ({ node }: Crossing): boolean => {
    if (known.has(node) || isEmbedding(node) || node.is('Softmax')) return false;
    return merging === 'merging' || !linear(node);
  };
  for (const { producer } of follow(stream, 'upstream', through, Infinity)) {
    if (producer && known.has(producer)) found.add(producer);
    else if (producer && isEmbedding(producer)) embedded = true;
  }
  return { found: [...found], embedded };
}

const isEmbedding = (node: Node): boolean => node.is('Gather') && isVector(node.inputs[0]);
