import type { Node } from '../graph/node.js';
import type { Value } from '../graph/value.js';

const operators = new Set([
  'LayerNormalization',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
  'InstanceNormalization',
  'GroupNormalization',
]);

/**
 * What a normalisation by the data's own mean and deviation normalises, where `node` is its operator, or the division by the
 * deviation where it is written out: (x − mean(x)) / …. Neuron n stays at index n, but all neurons have a part in it.
 */
export function normalisedBy(node: Node): Value | null {
  if (operators.has(node.opType)) return node.input;
  if (!node.is('Div')) return null;
  const centred = node.input?.producer;
  const [value, mean] = centred?.is('Sub') ? centred.inputs : [];
  const reduced = mean?.producer;
  return value && reduced?.is('ReduceMean') && reduced.input === value ? value : null;
}
