import type { Node } from '../../../graph/graph.js';
import type { WeightNumbers } from '../weight-numbers.js';
import {
  type Interval,
  intervalAt,
  isConstantAt,
  outward,
  type Ranges,
  SLACK,
  times,
  UNBOUNDED,
  uniform,
} from './ranges.js';

/** Relative error that each term of a sum adds: 2^−23 is twice the rounding unit of float32. */
const TERM_ERROR = 2 ** -23;

/**
 * Returns the ranges of y[out] = Σ_i x[i] · W[i, out], without bias. A computed sum of n terms is Σ_i t[i] · (1 + δ[i])
 * with |δ[i]| ≤ γ (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2), so each term is widened by
 * γ. A sum of terms ≤ 0 stays ≤ 0, whatever their size.
 *
 * @param input Ranges of x, one for each input neuron or one for all.
 * @param wanted Outputs whose weights are read; `null`: all. The others are unbounded.
 */
export function linearRanges(
  node: Node,
  weight: WeightNumbers,
  input: Ranges,
  wanted: ReadonlySet<number> | null,
): Ranges {
  const { outputs, fanIn } = weight;
  const slack = SLACK + fanIn * TERM_ERROR;
  if (slack > 0.5) return uniform(UNBOUNDED);
  const low = new Float64Array(outputs);
  const high = new Float64Array(outputs);
  const isConstant = new Uint8Array(outputs).fill(1);
  const alpha = node.float('alpha', 1);
  const neuronOf = groupedInput(node, weight);
  const isPadded = padsWithZeros(node);
  weight.read(
    (number, index, output) => {
      const neuron = neuronOf(index, output);
      const [least, most] = isPadded ? withZero(intervalAt(input, neuron)) : intervalAt(input, neuron);
      const factor = number * alpha;
      const ends: Interval = factor >= 0 ? [least, most] : [most, least];
      low[output]! += outward(times(factor, ends[0]), -1, slack);
      high[output]! += outward(times(factor, ends[1]), 1, slack);
      // A constant is none at the border of a padded image, but for zero.
      const isTermConstant = isConstantAt(input, neuron) && (!isPadded || least === most);
      if (factor !== 0 && !isTermConstant) isConstant[output] = 0;
    },
    wanted ? { outputs: wanted } : {},
  );
  for (let out = 0; out < outputs; out++) {
    const isKnown = (!wanted || wanted.has(out)) && !Number.isNaN(low[out]) && !Number.isNaN(high[out]);
    if (!isKnown) [low[out], high[out], isConstant[out]] = [-Infinity, Infinity, 0];
  }
  return { low, high, isConstant };
}

/** Returns the input neuron of a weight: a grouped convolution counts its inputs within the group. */
function groupedInput(
  node: Node,
  { inputs, outputs }: WeightNumbers,
): (index: number, output: number) => number {
  const groups = node.int('group', 1);
  return groups === 1
    ? (index) => index
    : (index, output) => Math.floor((output * groups) / outputs) * inputs + index;
}

/** Returns true if a convolution may add zeros around its input. */
export function padsWithZeros(node: Node): boolean {
  const auto = node.string('auto_pad', 'NOTSET');
  return auto === 'NOTSET' ? (node.ints('pads')?.some((pad) => pad !== 0) ?? false) : auto !== 'VALID';
}

const withZero = ([low, high]: Interval): Interval => [Math.min(low, 0), Math.max(high, 0)];
