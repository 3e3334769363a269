import { type Crossing, follow, followWith, passing, type Reached, WALK_LIMIT } from '../graph/follow.js';
import type { Value } from '../graph/graph.js';
import { carriesNeurons, operatorOf } from '../graph/operators.js';
import { lastAxisRange } from './last-axis.js';
import { type Linear, linear } from './linear.js';
import { type Normalisation, normalisation } from './normalisation.js';
import { constantOperand, isConstant, slicesFromStart } from './operands.js';

/** A linear layer upstream of a value, with the bias that is added on the way. */
export interface UpstreamLinear extends Linear {
  /** True if neighbours' rows are summed on the way (graph convolution). */
  aggregated: boolean;
  /** True if a normalisation by the data's own mean and deviation lies on the way. */
  normalised: boolean;
  /** Index along `outAxis` of the first neuron; above 0 where a packed projection was cut. */
  first: number;
}

/** Reason for which no linear layer was found. */
export interface Blocked {
  reason: string;
  /** Name of the node, or of the value, where the walk ended. */
  at: string;
}

export type UpstreamResult = { found: UpstreamLinear[]; blocked: null } | { found: []; blocked: Blocked };

/** Path between a value and a point upstream of it. */
interface Way {
  bias: Value | null;
  aggregated: boolean;
  /** The normalisation nearest to the value. */
  normalised: Normalisation | null;
  /** Permutations, the nearest to the point first; `null` for one that the file does not say. */
  permutations: readonly (readonly number[] | null)[];
  /** Parts that were cut out of a wider tensor, the nearest to the point first. */
  parts: readonly Value[];
  /** Number of nodes. */
  length: number;
}

const start: Way = {
  bias: null,
  aggregated: false,
  normalised: null,
  permutations: [],
  parts: [],
  length: 0,
};

/**
 * Returns the linear layers whose sum `value` [..., neurons] is, seen through what keeps neuron n at index n:
 * moves and casts, pools, added and multiplied constants (biases, dequantization scales), normalisation (by
 * constants or by the data), and the aggregation of a graph convolution (adjacency product; Gather, scale,
 * Scatter-add).
 */
export function linearUpstream(value: Value): UpstreamResult {
  const found: UpstreamLinear[] = [];
  let blocked: Blocked | null = null;
  for (const reached of followWith(value, 'upstream', start, (step, way) => wayThrough(step, way))) {
    const end = endAt(reached);
    if (end && 'reason' in end) blocked ??= end;
    else if (end) found.push(end);
  }
  return found.length > 0 ? { found, blocked: null } : { found: [], blocked: blocked! };
}

/** Returns the way to one input of a node; `null` if the walk does not go there. */
function wayThrough({ node, input, output, from, to }: Crossing, before: Way): { state: Way } | null {
  if (linear(node)) return null;
  const way = { ...before, length: before.length + 1 };
  const normalised = normalisation(node);
  if (normalised) {
    // What is added after it is no bias of the layer before it.
    return input === 0 ? { state: { ...way, bias: null, normalised } } : null;
  }
  if (node.is('Sub') && input === 0 && to === way.normalised?.value) return { state: way };
  switch (node.domain === '' ? node.opType : '') {
    case 'Transpose':
      return { state: { ...way, permutations: [node.ints('perm'), ...way.permutations] } };
    case 'Slice':
      if (input !== 0) return null;
      return {
        state: way.aggregated && slicesFromStart(node) ? way : { ...way, parts: [from, ...way.parts] },
      };
    case 'Split':
      return input === 0 ? { state: { ...way, parts: [from, ...way.parts] } } : null;
    case 'ScatterElements':
    case 'ScatterND':
      return input === 2 ? { state: { ...way, aggregated: true } } : null;
    case 'ReduceSum':
    case 'ReduceMean':
    case 'ReduceMax':
    case 'ReduceMin':
      return input === 0 && way.aggregated ? { state: way } : null;
    case 'MatMul':
    case 'Gemm':
      // A · H, or Gemm(A, H, b): the neurons are those of H.
      if (input !== 1 || node.int('transB', 0) || isConstant(to)) return null;
      return { state: { ...way, bias: way.bias ?? node.inputs[2] ?? null, aggregated: true } };
    case 'Where':
      return way.aggregated && !isConstant(to) ? { state: way } : null;
  }
  if (output === 0 && carriesNeurons(node, input)) return { state: way };
  const { arithmetic } = operatorOf(node);
  if (!arithmetic || isConstant(to)) return null;
  const constant = constantOperand(node)?.constant;
  if (arithmetic === 'sum') {
    if (constant) return { state: { ...way, bias: way.bias ?? constant } };
    // A sum of linear layers: GraphSAGE's neighbour and root terms, a shortcut.
    return node.opType === 'Sub' ? null : { state: way };
  }
  // Between neighbours' rows a row is scaled by a value of its own, as an edge weight is.
  return constant || way.aggregated || isIntegerSum(to) ? { state: way } : null;
}

/**
 * Returns true for the result of a MatMulInteger with its bias: a scale follows that is known when the graph
 * runs.
 */
function isIntegerSum(value: Value): boolean {
  const adds = ({ node, to }: Crossing): boolean => node.is('Add') && constantOperand(node)?.other === to;
  for (const at of follow(value, 'upstream', (step) => passing(step) || adds(step), 4)) {
    if (at.producer && operatorOf(at.producer).weight?.quantized === 'sums') return true;
  }
  return false;
}

/** Returns the layer at the end of a way, or why the way ends; `null` if it goes on. */
function endAt({ value, state: way }: Reached<Way>): UpstreamLinear | Blocked | null {
  const node = value.producer;
  if (!node) {
    const what = value.tensor ? 'a constant' : 'an input of the graph';
    return { reason: `${value.name} is ${what}`, at: value.name };
  }
  const layer = linear(node);
  if (layer) return checked(layer, way);
  const at = node.name || node.outputs[0]?.name || node.opType;
  if (!node.input) return { reason: `${node.opType} has no input`, at };
  if (way.length >= WALK_LIMIT) return { reason: `more than ${WALK_LIMIT} nodes lie before it`, at };
  const goesOn = node.inputs.some(
    (to, input) => to && wayThrough({ node, input, output: value.outputIndex, from: value, to }, way),
  );
  return goesOn ? null : { reason: `${node.opType} is no linear layer and mixes or changes neurons`, at };
}

/**
 * The neurons must be on the layer's axis again, and a normalisation must have them where it looks for them.
 */
function checked(
  layer: Linear,
  { bias, aggregated, normalised, permutations, parts }: Way,
): UpstreamLinear | Blocked {
  const at = layer.node.name;
  const isConv = layer.neuronAxis === 1;
  if (permutations.length > 0 && !restoresAxis(permutations, layer.neuronAxis)) {
    return { reason: 'a transposition lies between, after which the neurons are on another axis', at };
  }
  const misplaced =
    normalised &&
    (permutations.length > 0 ||
      (normalised.channels && !isConv) ||
      (normalised.neurons !== null && normalised.neurons !== layer.neurons));
  if (misplaced) {
    return { reason: 'a normalisation lies between, over other axes than those of its neurons', at };
  }
  let [first, neurons] = [0, layer.neurons];
  for (const part of parts) {
    const range = lastAxisRange(part, neurons);
    const { opType, name } = part.producer!;
    const unknown = `${opType} cuts another axis, or at places that are known only when the graph runs`;
    if (!range) return { reason: unknown, at: name };
    [first, neurons] = [first + range.start, range.end - range.start];
  }
  const found = { ...layer, bias: bias ?? layer.bias, aggregated, normalised: normalised !== null };
  return { ...found, first, neurons };
}

/** Returns true if an axis is where it was after all permutations. */
function restoresAxis(permutations: Way['permutations'], neuronAxis: -1 | 1): boolean {
  let axis: number = neuronAxis;
  for (const permutation of permutations) {
    if (permutation === null) return false;
    const before = axis < 0 ? permutation.length + axis : axis;
    const after = permutation.indexOf(before);
    if (after < 0) return false;
    axis = neuronAxis < 0 ? after - permutation.length : after;
  }
  return axis === neuronAxis;
}
