import { type Crossing, followWith, passing } from '../graph/follow.js';
import type { Node, Value } from '../graph/graph.js';
import { operatorOf } from '../graph/operators.js';
import type { Linear } from './linear.js';
import { constantOperand, numberReaders } from './operands.js';

/** The result of a linear layer with its bias: the last tensor before anything else happens to it. */
export interface LayerResult {
  value: Value;
  /**
   * A bias that the next, fused operator adds (SkipLayerNormalization); `null` if `value` holds it already.
   */
  absorbed: Value | null;
  /** The added bias, wherever it stands. */
  bias: Value | null;
}

/** Follows the output of a linear layer downstream through its bias, quantization scales and moves. */
export function layerResult(layer: Linear): LayerResult {
  return resultFrom(layer.node.output, layer.bias, layer.node);
}

/**
 * Follows a sum downstream as `layerResult` does, from where it is computed.
 *
 * @param bias A bias that `sum` holds already.
 * @param product The multiplication that the sum is a result of, if it is one.
 */
export function resultFrom(sum: Value, bias: Value | null, product: Node | null): LayerResult {
  let result = { value: sum, state: bias };
  const scales = product !== null && operatorOf(product).weight?.quantized === 'sums';
  for (result of followWith(sum, 'downstream', bias, (step, added) => passed(step, added, scales)));
  const { value, state: added } = result;
  const [use, ...others] = numberReaders(value);
  const layout = use && others.length === 0 ? operatorOf(use.node).residual : null;
  const fused = layout?.addends.includes(use!.index) ? (use!.node.inputs[layout.bias] ?? null) : null;
  const absorbed = added ? null : fused;
  return { value, absorbed, bias: added ?? absorbed };
}

/** The bias that is known after a step of the only reader; `null` where the result ends. */
function passed(step: Crossing, bias: Value | null, scales: boolean): { state: Value | null } | null {
  const { node, from } = step;
  if (numberReaders(from).length !== 1) return null;
  const shift = node.is('Add') && !bias ? constantOperand(node) : null;
  if (shift) return { state: shift.constant };
  // MatMulInteger → Cast → Mul(scale): the scale belongs to the weight.
  return passing(step) || (scales && node.is('Mul')) ? { state: bias } : null;
}
