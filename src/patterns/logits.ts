import { type Crossing, follow } from '../graph/follow.js';
import type { Graph, Value } from '../graph/graph.js';
import { isFloat } from '../onnx/data-types.js';
import { rankOf } from './rank.js';

/**
 * Returns the scores [..., classes] that a model's prediction is made of: the output called logits or scores,
 * else the only floating-point output that is no cache, else the one whose last axis is the vocabulary. Where
 * the graph ends in a Softmax, the scores are its input. A LogSoftmax stays, since log-softmax of
 * log-probabilities is those themselves.
 */
export function findLogits(graph: Graph, vocabulary: number | null): Value | null {
  const floats = graph.outputs.filter(
    ({ name, type }) => (!type?.elemType || isFloat(type.elemType)) && !/present|past|cache/i.test(name),
  );
  const chosen =
    floats.find(({ name }) => /(^|[^a-z])(logits|scores|log_?probs?)/i.test(name)) ??
    (floats.length === 1 ? floats[0] : undefined) ??
    floats.find(({ type }) => vocabulary !== null && type?.shape?.at(-1) === vocabulary);
  return chosen ? beforeSoftmax(chosen) : null;
}

function beforeSoftmax(output: Value): Value {
  const retyped = ({ node }: Crossing): boolean => node.is('Identity') || node.is('Cast');
  let at = output;
  for (at of follow(output, 'upstream', retyped));
  const softmax = at.producer?.is('Softmax') ? at.producer : null;
  const axis = softmax?.int('axis', -1) ?? 0;
  const isLast = axis === -1 || rankOf(at) === axis + 1;
  return softmax?.input && isLast ? softmax.input : output;
}
