import { constantTensor } from '../../../graph/constants.js';
import type { Node, Value } from '../../../graph/graph.js';
import { operandCount, operatorOf, type WeightLayout } from '../../../graph/operators.js';
import { DataType } from '../../../onnx/data-types.js';
import type { ShapeOf } from '../removal/removal.js';
import { type WeightNumbers, weightNumbers } from '../weight-numbers.js';
import { channelRanges } from './channel-ranges.js';
import { boundsOf, imageOf } from './image.js';
import { linearRanges } from './linear-ranges.js';
import { normalisedRanges } from './normalised-ranges.js';
import { placedRanges, type Question, sumOfAny } from './placed-ranges.js';
import { quantizedRanges } from './quantized-ranges.js';
import {
  commonWidth,
  hull,
  type Interval,
  intervalAt,
  isConstantAt,
  isUnbounded,
  product,
  type Ranges,
  rangesOf,
  sumOf,
  UNBOUNDED,
  uniform,
  widthOf,
} from './ranges.js';
import { storedRanges } from './stored-ranges.js';

/**
 * Proves by interval arithmetic that neurons are constant: from the ranges of a layer's inputs and its
 * weights.
 */
export interface Prover {
  /**
   * Returns those of some neurons that have one and the same value, up to rounding, at every position and for
   * every input on which the model computes finite numbers.
   *
   * @param axis Axis of the neurons, counted from the end.
   */
  constantNeurons(value: Value, axis: number, among: ReadonlySet<number>): Set<number>;
}

/** Nodes upstream of a neuron that are looked at along one path; beyond, nothing is known. */
const MOST_DEPTH = 400;

/** Weights that are read of layers upstream of the asked ones: a few seconds of arithmetic. */
const MOST_WEIGHTS = 2 ** 28;

/**
 * Opens a prover. Weights stay on disk: those of the asked neurons are read, and of layers upstream that
 * limit them.
 */
export function openProver(shapeOf: ShapeOf): Prover {
  const all: Evaluation = { shapeOf, wanted: null, known: new Map(), weightsLeft: MOST_WEIGHTS };
  return {
    constantNeurons(value, axis, among) {
      const evaluation: Evaluation = { ...all, wanted: among, known: new Map(), all };
      const ranges = rangesAt(evaluation, value, axis, 0);
      return new Set([...among].filter((n) => isConstantAt(ranges, n)));
    },
  };
}

/** Ranges that are known so far: of all neurons, or of some wanted ones in the last layer alone. */
interface Evaluation {
  shapeOf: ShapeOf;
  /** `null`: all. */
  wanted: ReadonlySet<number> | null;
  known: Map<Value, Map<number, Ranges>>;
  weightsLeft: number;
  /** Evaluation of all neurons, for everything that is not the wanted ones; absent if this is it. */
  all?: Evaluation;
}

function rangesAt(evaluation: Evaluation, value: Value, axis: number, depth: number): Ranges {
  const byAxis = evaluation.known.get(value) ?? new Map<number, Ranges>();
  const known = byAxis.get(axis);
  if (known) return known;
  const ranges = depth > MOST_DEPTH ? uniform(UNBOUNDED) : compute(evaluation, value, axis, depth);
  evaluation.known.set(value, byAxis.set(axis, ranges));
  return ranges;
}

function compute(evaluation: Evaluation, value: Value, axis: number, depth: number): Ranges {
  if (value.isInput) return uniform(inputBounds(value));
  const tensor = constantTensor(value);
  if (tensor) return storedRanges(tensor, axis);
  const node = value.producer;
  const { shapeOf } = evaluation;
  const shape = shapeOf(value);
  if (!node || !shape || operatorOf(node).random || isTraining(node)) return uniform(UNBOUNDED);
  const all = evaluation.all ?? evaluation;
  // A tensor without this axis is broadcast over the neurons.
  if (-axis > Math.max(1, shape.length)) return hull(rangesAt(all, value, -1, depth + 1));
  const question: Question = {
    node,
    output: value,
    axis,
    shapeOf,
    rangesAt: (input, at) => rangesAt(evaluation, input, at, depth + 1),
    otherRangesAt: (input, at) => rangesAt(all, input, at, depth + 1),
  };
  return (
    layerRanges(question, evaluation) ??
    normalisedRanges(question) ??
    quantizedRanges(question) ??
    channelRanges(question) ??
    functionRanges(question) ??
    placedRanges(question) ??
    uniform(value.outputIndex === 0 ? boundsOf(node) : UNBOUNDED)
  );
}

/** Numbers that an input can hold by its type. */
function inputBounds({ type }: Value): Interval {
  if (type?.elemType === DataType.BOOL) return [0, 1];
  return type?.elemType === DataType.UINT8 ? [0, 255] : UNBOUNDED;
}

/** Returns true for a Dropout that may drop numbers. */
const isTraining = (node: Node): boolean => node.is('Dropout') && node.inputs.length > 2;

/** Ranges of a product and its bias; `null` for other nodes. */
function layerRanges(question: Question, evaluation: Evaluation): Ranges | null {
  const { node, output, axis, shapeOf, otherRangesAt } = question;
  const layout = operatorOf(node).weight;
  if (!layout) return null;
  const neuronAxis = layout.neuronAxis === 1 ? 1 - (shapeOf(output)?.length ?? 0) : -1;
  if (axis !== neuronAxis || node.int('transA', 0)) return uniform(UNBOUNDED);
  const weight = weightNumbers(node);
  const sums = weight ? weightedSums(question, weight, evaluation) : productRanges(question, layout);
  const bias = layout.bias === undefined ? null : node.inputs[layout.bias];
  return bias ? plusBias(sums, otherRangesAt(bias, -1), node.float('beta', 1)) : sums;
}

function weightedSums(
  { node, axis, otherRangesAt }: Question,
  weight: WeightNumbers,
  evaluation: Evaluation,
): Ranges {
  const input = node.input && otherRangesAt(node.input, axis);
  if (!input || !mayRead(weight.outputs * weight.fanIn, input, evaluation)) return uniform(UNBOUNDED);
  return linearRanges(node, weight, input, evaluation.wanted);
}

/**
 * A · H with a computed A, as in a graph convolution: neurons of H that are zero stay zero, the others add
 * up.
 */
function productRanges({ node, rangesAt: same, otherRangesAt }: Question, layout: WeightLayout): Ranges {
  const [left, right] = node.inputs;
  const isPlain = layout.neuronAxis === -1 && !layout.quantized && !layout.packed && !node.int('transB', 0);
  if (!left || !right || !isPlain) return uniform(UNBOUNDED);
  const alpha = node.float('alpha', 1);
  const factor = product(intervalAt(hull(otherRangesAt(left, -1)), 0), [alpha, alpha]);
  const neurons = same(right, -1);
  return sumOfAny(rangesOf(widthOf(neurons), (n) => product(factor, intervalAt(neurons, n))));
}

/** All weights of a layer are read only if that can limit its outputs, and counts against the budget. */
function mayRead(weights: number, input: Ranges, evaluation: Evaluation): boolean {
  if (evaluation.wanted) return true;
  if (isUnbounded(input) || weights > evaluation.weightsLeft) return false;
  evaluation.weightsLeft -= weights;
  return true;
}

function plusBias(sums: Ranges, bias: Ranges, beta: number): Ranges {
  const width = commonWidth([sums, bias]);
  if (width === null) return uniform(UNBOUNDED);
  const result = rangesOf(width, (n) =>
    sumOf([intervalAt(sums, n), product(intervalAt(bias, n), [beta, beta])]),
  );
  for (let n = 0; n < width; n++) {
    result.isConstant[n] = isConstantAt(sums, n) && isConstantAt(bias, n) ? 1 : 0;
  }
  return result;
}

/** Ranges of a function of each element; `null` for other nodes. */
function functionRanges({
  node,
  output,
  axis,
  shapeOf,
  rangesAt: same,
  otherRangesAt,
}: Question): Ranges | null {
  if (!operatorOf(node).formula || output.outputIndex !== 0) return null;
  const width = shapeOf(output)!.at(axis);
  const operands = node.inputs.slice(0, operandCount(node)).map((value) => {
    if (!value) return null;
    const hasNeurons = shapeOf(value)?.at(axis) === width;
    return hasNeurons ? same(value, axis) : otherRangesAt(value, axis);
  });
  const image = imageOf(node, operands);
  return widthOf(image) === 1 || widthOf(image) === width ? image : uniform(boundsOf(node));
}
