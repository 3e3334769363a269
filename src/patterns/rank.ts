import { constantInts } from '../graph/constants.js';
import { type Crossing, followWith } from '../graph/follow.js';
import type { Node, Value } from '../graph/graph.js';
import { carriesNeurons, operatorOf } from '../graph/operators.js';
import { isConstant } from './operands.js';
import { storedWeight } from './weights.js';

/**
 * Returns the number of axes of a value; `null` if neither the file nor the weights upstream of it tell. A
 * convolution has as many as its weight, a Gemm has two, a Reshape has as many as its shape has numbers.
 */
export function rankOf(value: Value): number | null {
  const walk = followWith(value, 'upstream', 0, (step, axes) => {
    const added = ownRank(step.from) === null ? addedAxes(step) : null;
    return added === null ? null : { state: axes + added };
  });
  for (const { value: at, state: axes } of walk) {
    const rank = ownRank(at);
    if (rank !== null) return rank + axes;
  }
  return null;
}

/** Returns the rank that the file declares, or that the value's node alone decides. */
function ownRank(value: Value): number | null {
  if (value.rank !== null) return value.rank;
  const node = value.producer;
  if (!node || value.outputIndex !== 0) return null;
  const { weight } = operatorOf(node);
  const operand = weight?.neuronAxis === 1 ? node.inputs[weight.weight] : null;
  if (operand) return storedWeight(operand)?.axes.length ?? null;
  if (node.is('Gemm') || node.is('Flatten')) return 2;
  if (node.is('Transpose')) return node.ints('perm')?.length ?? null;
  if (node.is('Reshape')) return node.inputs[1] ? (constantInts(node.inputs[1])?.length ?? null) : null;
  return null;
}

/** Returns how many axes more the output of a node has than an input; `null` if that is not known. */
function addedAxes({ node, input, to }: Crossing): number | null {
  if (node.is('Squeeze') || node.is('Unsqueeze')) {
    const axes = input === 0 ? listedAxes(node)?.length : undefined;
    return axes === undefined ? null : node.is('Squeeze') ? -axes : axes;
  }
  if (/^Reduce/.test(node.opType)) {
    if (input !== 0 || node.int('keepdims', 1) === 0) return null;
    return 0;
  }
  const { formula, normalises, weight } = operatorOf(node);
  if (formula) return isConstant(to) ? null : 0;
  if (input !== 0 || reshaping.test(node.opType)) return null;
  return carriesNeurons(node) || normalises || weight || /^(Softmax|Concat|Slice|Split)$/.test(node.opType)
    ? 0
    : null;
}

const reshaping = /^(Reshape|Flatten|Expand|Gather)/;

function listedAxes(node: Node): number[] | null {
  return node.inputs[1] ? constantInts(node.inputs[1]) : node.ints('axes');
}
