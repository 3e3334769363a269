import type { Node, Value } from '../graph/graph.js';
import { operatorOf, passesNumbers } from '../graph/operators.js';
import { keeping } from './after.js';
import { linear } from './linear.js';
import { constantOperand, isVector } from './pass.js';

const MAX_STEPS = 24;

/** x + f(x): where a sub-layer's result is added to the residual stream. */
export interface ResidualAdd {
  node: Node;
  /** The stream x, as it enters the addition. */
  stream: Value;
  /** The stream as it leaves: the sum, before any normalisation of it that is a node of its own. */
  sum: Value;
}

/**
 * The addition of a sub-layer's result to the residual stream, seen through moves, scales, normalisation and routing;
 * `null` when there is none.
 *
 * @param activations Inputs of activation functions: what passes one of these is another layer.
 */
export function residualAdd(result: Value, activations: ReadonlySet<Value>): ResidualAdd | null {
  const seen = new Set<Value>();
  const visit = (at: Value, steps: number): ResidualAdd | null => {
    if (seen.has(at) || steps === 0 || activations.has(at)) return null;
    seen.add(at);
    for (const { node, index } of at.uses) {
      const stream = node.inputs[1 - index];
      const output = node.outputs[0];
      if (!output) continue;
      const { residual } = operatorOf(node);
      if (residual) {
        if (index < 2 && stream) return { node, stream, sum: node.outputs[residual.sum] ?? output };
        continue;
      }
      if (node.is('Add') && stream && stream !== at && constantOperand(node) === null)
        return { node, stream, sum: output };
      if (!(index === 0 && (passesNumbers(node) || keeping.has(node.opType))) && !onTheWay.has(node.opType))
        continue;
      const found = visit(output, steps - 1);
      if (found) return found;
    }
    return null;
  };
  return visit(result, MAX_STEPS);
}

/** What may stand between a sub-layer's result and the residual add. */
const onTheWay = new Set([
  'Add',
  'Mul',
  'Div',
  'Sub',
  'Pow',
  'Sqrt',
  'ReduceMean',
  'Reciprocal',
  'LayerNormalization',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
  'ScatterND',
  'ScatterElements',
  'Where',
  'Slice',
  'Concat',
]);

/**
 * Which of the residual additions `known` a stream holds: found by going up from it through additions, normalisation
 * and moves, but through no further addition that is known. A linear layer on the way (patch merging between the stages
 * of a vision transformer) is gone through only if asked to, and where no embedding enters beside it.
 */
export function addsInStream(
  stream: Value,
  known: ReadonlyMap<Node, unknown>,
  merging: 'merging' | 'straight' = 'merging',
): Node[] {
  const straight = climb(stream, known, false);
  if (merging === 'straight' || straight.found.length > 0 || straight.embedded) return straight.found;
  const through = climb(stream, known, true);
  return through.embedded ? [] : through.found;
}

function climb(
  stream: Value,
  known: ReadonlyMap<Node, unknown>,
  throughLinear: boolean,
): { found: Node[]; embedded: boolean } {
  const found = new Set<Node>();
  const seen = new Set<Value>();
  const open = [stream];
  let embedded = false;
  for (let at = open.pop(); at; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const node = at.producer;
    if (!node) continue;
    if (known.has(node)) found.add(node);
    else if (node.is('Gather') && isVector(node.inputs[0])) embedded = true;
    else if (!node.is('Softmax') && (throughLinear || !linear(node))) {
      for (const input of node.inputs) if (input) open.push(input);
    }
  }
  return { found: [...found], embedded };
}

/** The other operands of additions that read a sum: the stream itself where two sub-layers were added first (parallel residual). */
export function operandsBeside(sum: Value): Value[] {
  return sum.uses.flatMap(({ node, index }) => {
    const adds = node.is('Add') || operatorOf(node).residual?.addends.includes(index);
    const other = adds ? node.inputs[1 - index] : null;
    return other ? [other] : [];
  });
}

/** The addition of two computed tensors right before a value, seen through moves, constants and BatchNormalization. */
export function additionBefore(value: Value): Node | null {
  let at: Value | null = value;
  for (let steps = 0; at?.producer && steps < MAX_STEPS; steps++) {
    const node: Node = at.producer;
    const split = node.is('Add') ? constantOperand(node) : null;
    if (node.is('Add') && !split) return node;
    if (split) at = split.other;
    else if (passesNumbers(node) || node.is('BatchNormalization')) at = node.input;
    else return null;
  }
  return null;
}
