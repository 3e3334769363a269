import type { Node } from '../graph.js';
import type { WeightLayout } from './operator.js';

/** W [inputs, outputs], or a batch of these. */
export const matMul: WeightLayout = {
  input: 0,
  weight: 1,
  outAxis: () => -1,
  inAxis: () => -2,
  neuronAxis: -1,
};

/** W [inputs, outputs], or [outputs, inputs] with the attribute `transB`. */
export const transposable: WeightLayout = {
  ...matMul,
  outAxis: (node: Node) => (node.int('transB', 0) ? -2 : -1),
  inAxis: (node: Node) => (node.int('transB', 0) ? -1 : -2),
};

/** W [outputs, inputs of a group, …kernel]. */
export const conv: WeightLayout = {
  input: 0,
  weight: 1,
  outAxis: () => 0,
  inAxis: () => 1,
  neuronAxis: 1,
};
