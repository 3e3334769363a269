import type { Node } from '../../../graph/graph.js';
import { weightNumbers } from '../weight-numbers.js';

/**
 * Returns what constant inputs add to every output of a layer, the multiplication by a weight that `node` is:
 * Σ_n c[n] · W[n, out], summed over the kernel of a convolution. Only the weights of inputs that are not zero
 * are used.
 *
 * @param constants Index along the layer's input → its value.
 * @returns [outputs]; `null` when the numbers of the weight are not known before running.
 */
export function contribution(node: Node, constants: ReadonlyMap<number, number>): Float64Array | null {
  const weight = weightNumbers(node);
  if (!weight) return null;
  const sums = new Float64Array(weight.outputs);
  const inputs = new Set([...constants.keys()].filter((index) => constants.get(index) !== 0));
  if (inputs.size === 0) return sums;
  const factor = new Float64Array(weight.inputs);
  for (const index of inputs) factor[index] = constants.get(index)!;
  weight.read(
    (number, input, output) => {
      sums[output]! += factor[input]! * number;
    },
    { inputs },
  );
  // Gemm and FusedMatMul multiply the product by it.
  const alpha = node.float('alpha', 1);
  return alpha === 1 ? sums : sums.map((sum) => sum * alpha);
}
