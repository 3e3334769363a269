import type { Node, Value } from '../graph/graph.js';
import { passesNumbers } from '../graph/operators.js';
import { lastAxisRange } from './last-axis.js';
import { type Linear, linear } from './linear.js';
import { type Normalisation, normalisation } from './normalisation.js';
import { constantOperand, isConstant, slicesFromStart } from './pass.js';

/** A linear layer behind a value, with the bias that is added on the way. */
export interface LinearBehind extends Linear {
  bias: Value | null;
  /** Whether neighbours' rows were summed on the way (graph convolution). */
  aggregated: boolean;
  /** Whether a normalisation by the data's own mean and deviation lies on the way. */
  normalised: boolean;
  /** Index along `outAxis` of the first neuron; above 0 where a packed projection was cut. */
  first: number;
}

/** Why no linear layer was found. */
export interface Blocked {
  reason: string;
  at: string;
}

export type BehindResult = { found: LinearBehind[]; blocked: null } | { found: []; blocked: Blocked };

interface Walk {
  bias: Value | null;
  aggregated: boolean;
  /** The normalisation nearest to the value. */
  normalised: Normalisation | null;
  /** Permutations on the way, the nearest to the layer first; `null` for one that is not written. */
  permutations: readonly (readonly number[] | null)[];
}

const MAX_STEPS = 40;

/**
 * The linear layers whose sum `value` [..., neurons] is, seen through what keeps neuron n at index n: moves and casts,
 * added and multiplied constants (biases, dequantization scales), normalisation (by constants or by the data), and the
 * aggregation of a graph convolution (adjacency product; Gather, scale, Scatter-add).
 */
export function linearBehind(value: Value): BehindResult {
  return walk(value, { bias: null, aggregated: false, normalised: null, permutations: [] }, MAX_STEPS);
}

function walk(value: Value, seen: Walk, steps: number): BehindResult {
  const node = value.producer;
  if (!node)
    return stop(`${value.name} is ${value.tensor ? 'a constant' : 'an input of the graph'}`, value.name);
  if (steps === 0) return stop(`more than ${MAX_STEPS} nodes lie before it`, node.name);
  const layer = linear(node);
  if (layer) return ending(layer, seen);
  const first = node.input;
  if (!first) return stop(`${node.opType} has no input`, node.name);
  if (passesNumbers(node)) return walk(first, seen, steps - 1);
  if (node.is('Transpose')) {
    const permutations = [node.ints('perm') ?? null, ...seen.permutations];
    return walk(first, { ...seen, permutations }, steps - 1);
  }
  if (seen.aggregated && slicesFromStart(node)) return walk(first, seen, steps - 1);
  if (node.is('Split') || node.is('Slice')) return throughCut(value, first, seen, steps);
  const normalised = normalisation(node);
  if (normalised) {
    // What is added after it is no bias of the layer before it.
    return walk(normalised.value, { ...seen, bias: null, normalised }, steps - 1);
  }
  switch (node.domain === '' ? node.opType : '') {
    case 'Add':
    case 'Sub':
    case 'Sum':
      return throughSum(node, seen, steps);
    case 'Mul':
    case 'Div':
    case 'Where':
      return throughProduct(node, seen, steps);
    case 'BatchNormalization':
    case 'Gather':
    case 'GatherND':
    case 'GatherElements':
      return walk(first, seen, steps - 1);
    case 'ScatterElements':
    case 'ScatterND':
      return walk(node.inputs[2] ?? first, { ...seen, aggregated: true }, steps - 1);
    case 'ReduceSum':
    case 'ReduceMean':
      return seen.aggregated ? walk(first, seen, steps - 1) : stopAt(node);
    case 'MatMul':
    case 'Gemm':
      return throughAdjacency(node, seen, steps);
    default:
      return stopAt(node);
  }
}

/** The neurons must be on the layer's axis again, and a normalisation must have them where it looks for them. */
function ending(layer: Linear, { normalised, permutations, aggregated, bias }: Walk): BehindResult {
  const conv = layer.node.opType.includes('Conv');
  if (permutations.length > 0 && !keepAxis(permutations, conv)) {
    return stop('a transposition lies between, after which the neurons are on another axis', layer.node.name);
  }
  const misplaced =
    normalised &&
    (permutations.length > 0 ||
      (normalised.channels && !conv) ||
      (normalised.neurons !== null && normalised.neurons !== layer.neurons));
  if (misplaced) {
    return stop('a normalisation lies between, over other axes than those of its neurons', layer.node.name);
  }
  const found = { ...layer, bias: bias ?? layer.bias, aggregated, normalised: normalised !== null, first: 0 };
  return { found: [found], blocked: null };
}

/** Whether axis 1 (channels), else the last axis, ends where it began. */
function keepAxis(permutations: Walk['permutations'], channels: boolean): boolean {
  let axis: number | null = channels ? 1 : -1;
  for (const permutation of permutations) {
    if (axis === null || permutation === null) return false;
    const before = axis < 0 ? permutation.length + axis : axis;
    const after = permutation.indexOf(before);
    axis = after < 0 ? null : channels ? after : after - permutation.length;
  }
  return axis === (channels ? 1 : -1);
}

/** A part of the neurons of a wider, packed projection. */
function throughCut(part: Value, packed: Value, seen: Walk, steps: number): BehindResult {
  const { found, blocked } = walk(packed, seen, steps - 1);
  if (blocked) return { found, blocked };
  const cut = found.map((layer) => {
    const range = lastAxisRange(part, layer.neurons);
    return range && { ...layer, first: layer.first + range.start, neurons: range.end - range.start };
  });
  const node = part.producer!;
  return cut.every((layer) => layer !== null)
    ? { found: cut, blocked: null }
    : stop(
        `${node.opType} cuts another axis, or at places that are known only when the graph runs`,
        node.name,
      );
}

/** h + b with constant b, or a sum of linear layers (GraphSAGE's neighbour and root terms, a shortcut). */
function throughSum(node: Node, seen: Walk, steps: number): BehindResult {
  const split = constantOperand(node);
  if (split) return walk(split.other, { ...seen, bias: seen.bias ?? split.constant }, steps - 1);
  return node.opType === 'Sub' ? stopAt(node) : either(node, seen, steps, 'all');
}

/** h · c with constant c, or, between neighbours' rows, h scaled by a value per row, as an edge weight is. */
function throughProduct(node: Node, seen: Walk, steps: number): BehindResult {
  const split = node.inputs.length === 2 ? constantOperand(node) : null;
  if (split) return walk(split.other, seen, steps - 1);
  return seen.aggregated || dequantizes(node) ? either(node, seen, steps, 'first') : stopAt(node);
}

/** MatMulInteger → Cast → Mul by a scale that is known only when the graph runs (dynamic quantization). */
function dequantizes(node: Node): boolean {
  return node.inputs.some((input) => {
    const producer = input?.producer?.is('Cast') ? input.producer.input?.producer : input?.producer;
    return producer?.opType.endsWith('Integer') ?? false;
  });
}

/** A · H, or Gemm(A, H, b): the neurons are those of H. */
function throughAdjacency(node: Node, seen: Walk, steps: number): BehindResult {
  const features = node.inputs[1];
  if (!features || isConstant(features) || node.int('transB', 0)) return stopAt(node);
  const bias = seen.bias ?? node.inputs[2] ?? null;
  return walk(features, { ...seen, bias, aggregated: true }, steps - 1);
}

function either(node: Node, seen: Walk, steps: number, take: 'first' | 'all'): BehindResult {
  const found: LinearBehind[] = [];
  let blocked: Blocked | null = null;
  for (const operand of node.inputs) {
    if (!operand || isConstant(operand)) continue;
    const result = walk(operand, seen, Math.floor((steps - 1) / 2));
    if (result.blocked) blocked ??= result.blocked;
    else found.push(...result.found);
    if (found.length > 0 && take === 'first') break;
  }
  return found.length > 0
    ? { found, blocked: null }
    : stop(blocked?.reason ?? 'both operands are constant', blocked?.at ?? node.name);
}

function stopAt(node: Node): BehindResult {
  return stop(
    `${node.opType} is no linear layer and mixes or changes neurons`,
    node.name || node.output.name,
  );
}

function stop(reason: string, at: string): BehindResult {
  return { found: [], blocked: { reason, at } };
}
