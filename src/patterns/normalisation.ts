import { constantTensor } from '../graph/constants.js';
import type { Node, Value } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';
import { elementCount } from '../onnx/tensors.js';

/**
 * A normalisation by the data's own mean and deviation, in which neuron n stays at index n and all neurons
 * have a part.
 */
export interface Normalisation {
  /** The value before the normalisation. */
  value: Value;
  /** True if its neurons are channels (axis 1); else they are on the last axis. */
  channels: boolean;
  /** Number of neurons, if its scale says it. */
  neurons: number | null;
}

/** Returns the normalisation that a node is, or the last step of if it is written out: (x − mean(x)) / …. */
export function normalisation(node: Node): Normalisation | null {
  const { normalises } = operatorOf(node);
  if (normalises === 'channels' && node.input) return { value: node.input, channels: true, neurons: null };
  if (normalises && node.input) {
    const scale = node.inputs[1] ? constantTensor(node.inputs[1]) : null;
    return { value: node.input, channels: false, neurons: scale ? elementCount(scale) : null };
  }
  if (!node.is('Div')) return null;
  const centred = node.input?.producer;
  const [value, mean] = centred?.is('Sub') ? centred.inputs : [];
  const reduced = mean?.producer;
  const writtenOut = value && reduced?.is('ReduceMean') && reduced.input === value;
  return writtenOut ? { value, channels: false, neurons: null } : null;
}
