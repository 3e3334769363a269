import type { Node, Use, Value } from '../graph/graph.js';
import { operatorOf, passesNumbers } from '../graph/operators.js';
import { type Linear, linear } from './linear.js';
import { constantOperand, isConstant, slicesFromStart } from './pass.js';

const MAX_STEPS = 24;

/** Linear layers that read `value`, seen through moves, constant scales and what keeps neuron n at index n. */
export function linearAfter(value: Value): Linear[] {
  const found: Linear[] = [];
  const seen = new Set<Value>();
  const visit = (at: Value, steps: number): void => {
    if (seen.has(at) || steps === 0) return;
    seen.add(at);
    for (const { node, index } of at.uses) {
      const layer = index === 0 ? linear(node) : null;
      if (layer) found.push(layer);
      else if (keepsNeurons(node, index) || sumsOnlySeen(node, seen)) visit(node.output, steps - 1);
    }
  };
  visit(value, MAX_STEPS);
  return found;
}

/** A sum of nothing but the neurons themselves: (1 + ε)·h + Σ of the neighbours' h, as in a graph isomorphism network. */
function sumsOnlySeen(node: Node, seen: ReadonlySet<Value>): boolean {
  return node.is('Add') && node.inputs.every((input) => input !== null && seen.has(input));
}

function keepsNeurons(node: Node, index: number): boolean {
  if (index === 0 && (passesNumbers(node) || keeping.has(node.opType) || slicesFromStart(node))) return true;
  if ((node.opType === 'ScatterElements' || node.opType === 'ScatterND') && index === 2) return true;
  if (node.opType === 'Add' || node.opType === 'Sub') return constantOperand(node) !== null;
  if (node.opType === 'MatMul' && index === 1) return true;
  return node.opType === 'Mul' || node.opType === 'Div';
}

export const keeping = new Set([
  'Transpose',
  'BatchNormalization',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'Gather',
  'GatherND',
  'GatherElements',
  'Pad',
  'ReduceMean',
  'ReduceSum',
]);

/** The product of a gated MLP: f(gate) ⊙ up, both computed from the input. */
export interface Gate {
  /** What enters the down projection [..., neurons]. */
  product: Value;
  /** The other factor, before moves. */
  up: Value;
}

/** The gate product that reads `post`, if the activation's output is multiplied by another computed tensor. */
export function gateAfter(post: Value): Gate | null {
  let at = post;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const uses: Use[] = at.uses.filter((use) => !isShape(use.node));
    for (const { node, index } of uses) {
      if (!node.is('Mul')) continue;
      const up = node.inputs[1 - index];
      if (up && up !== at && !isConstant(up)) return { product: node.output, up };
    }
    const next = uses.find(({ node, index }) => index === 0 && passesNumbers(node));
    if (!next || uses.length !== 1) return null;
    at = next.node.output;
  }
  return null;
}

const isShape = (node: Node): boolean => node.is('Shape') || node.is('Size');

/** The result of a linear layer with its bias: the last tensor before anything else happens to it. */
export interface Result {
  value: Value;
  /** A bias that the next, fused operator adds (SkipLayerNormalization); `null` when `value` already holds it. */
  absorbed: Value | null;
  /** The added bias, wherever it stands. */
  bias: Value | null;
}

/** Follows a linear layer's output through scales of quantization, its bias and moves. */
export function linearResult(layer: Linear): Result {
  return resultFrom(layer.node.output, layer.bias, layer);
}

/** The same from where a layer's sum, or what a graph aggregates of it, comes out; `known` is a bias that is in it already. */
export function resultFrom(start: Value, known: Value | null, layer: Linear | null): Result {
  let value = start;
  let bias = known;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const uses = value.uses.filter((use) => !isShape(use.node));
    const use = uses[0];
    if (!use || uses.length !== 1) break;
    const { node, index } = use;
    const { residual } = operatorOf(node);
    if (residual?.addends.includes(index)) {
      const fused = node.inputs[residual.bias];
      return fused && !bias ? { value, absorbed: fused, bias: fused } : { value, absorbed: null, bias };
    }
    const split = node.is('Add') ? constantOperand(node) : null;
    if (split && !bias) bias = split.constant;
    else if (!(index === 0 && passesNumbers(node)) && !isDequantization(layer, node, bias)) break;
    value = node.output;
  }
  return { value, absorbed: null, bias };
}

/** MatMulInteger → Cast → Mul(scale): the scale belongs to the weight. */
function isDequantization(layer: Linear | null, node: Node, bias: Value | null): boolean {
  return !bias && node.is('Mul') && (layer?.node.opType.endsWith('Integer') ?? false);
}
