import { constantInts } from '../graph/constants.js';
import { type Crossing, follow, keeping } from '../graph/follow.js';
import type { Node, Value } from '../graph/graph.js';
import { operandCount, operatorOf } from '../graph/operators.js';
import type { ActivationMatch } from './activations.js';
import { isConstant } from './operands.js';
import { rankOf } from './rank.js';

/** Nodes between an activation function and a reduction or a Softmax, at most. */
const ROLE_DEPTH = 8;

/**
 * Returns true if a function that looks like an activation function works on no neurons: it keeps a statistic
 * of all neurons from falling below a limit, as the `max(variance, 0)` of a LayerNorm does, or it bounds the
 * scores of an attention (soft-capping).
 *
 * @param cores The Softmaxes of all attentions.
 */
export function isAuxiliary({ pre, post }: ActivationMatch, cores: ReadonlySet<Node>): boolean {
  return isStatistic(pre) || isScore(post, cores);
}

/** One number for all neurons of a position. */
function isReduction(node: Node | null): boolean {
  if (!node?.input || node.domain !== '' || !node.opType.startsWith('Reduce')) return false;
  const axes = node.inputs[1] ? constantInts(node.inputs[1]) : node.ints('axes');
  if (!axes) return node.inputs.length === 1;
  const last = (rankOf(node.input) ?? Number.NaN) - 1;
  return node.int('keepdims', 1) === 1 && axes.some((axis) => axis === -1 || axis === last);
}

/** All ways upstream, element by element, end at reductions. */
function isStatistic(pre: Value): boolean {
  const through = (step: Crossing): boolean =>
    !isReduction(step.node) && keeping(step) && (operandCount(step.node) === 1 || !isConstant(step.to));
  let isReduced = false;
  for (const { producer } of follow(pre, 'upstream', through, ROLE_DEPTH)) {
    if (isReduction(producer)) isReduced = true;
    else if (!producer || !operatorOf(producer).formula) return false;
  }
  return isReduced;
}

function isScore(post: Value, cores: ReadonlySet<Node>): boolean {
  for (const at of follow(post, 'downstream', keeping, ROLE_DEPTH)) {
    if (at.uses.some(({ node }) => cores.has(node) && node.is('Softmax'))) return true;
  }
  return false;
}
