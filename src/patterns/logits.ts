import type { Graph, Value } from '../graph/graph.js';
import { isFloat } from '../onnx/data-types.js';

/**
 * The scores [..., classes] that a model's prediction is made of: the output called logits or scores, else the only
 * floating-point output that is no cache, else the one whose last axis is the vocabulary. Where the graph ends in a
 * Softmax, what enters it; a LogSoftmax stays, since log-softmax of log-probabilities is those themselves.
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
  let at = output;
  while (at.producer?.is('Identity') || at.producer?.is('Cast')) at = at.producer.input ?? at;
  const softmax = at.producer?.is('Softmax') ? at.producer : null;
  const axis = softmax?.int('axis', -1) ?? 0;
  const last = axis === -1 || (at.rank !== null && axis === at.rank - 1);
  return softmax?.input && last ? softmax.input : output;
}
