import { constantScalar, constantTensor } from '../graph/constants.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { operandCount, operatorOf } from '../graph/operators.js';
import { topologicalOrder } from '../graph/traversal.js';
import { isFloat } from '../onnx/data-types.js';
import { ACTIVATION_TOLERANCE, type Likeness, nearestActivation } from './nearest-activation.js';

/** post = f(pre + bias) element by element, f being the activation function `name`. */
export interface ActivationMatch {
  name: string;
  pre: Value;
  /** The bias that a fused operator adds to `pre` before applying f. */
  bias: Value | null;
  post: Value;
}

/** An element-by-element function that is not affine and is no known activation function. */
export interface ActivationMiss {
  pre: Value;
  post: Value;
  nearest: Likeness;
}

/**
 * Every activation function of a graph, in every spelling.
 *
 * A decomposition is a set of element-by-element nodes through which one value x alone (beside constants) determines
 * another value y. Such a set is a function of one number, so it is simply evaluated on a grid and compared with the
 * formulas of the known functions: which constants were folded, which factor comes first and which of the many ways to
 * write GELU an exporter chose makes no difference.
 */
export function findActivations(graph: Graph): { matches: ActivationMatch[]; misses: ActivationMiss[] } {
  const order = topologicalOrder(graph);
  const matches: ActivationMatch[] = [...fusedWithBias(order), ...perChannel(order)];
  const misses: ActivationMiss[] = [];
  for (const members of regions(order)) {
    const found = searchRegion(members);
    matches.push(...found.matches);
    if (found.matches.length === 0 && found.miss) misses.push(found.miss);
  }
  const position = new Map(order.map((node, i) => [node, i]));
  matches.sort((a, b) => position.get(a.post.producer!)! - position.get(b.post.producer!)!);
  return { matches, misses };
}

/** `BiasGelu(x, bias)` and `FastGelu(x, bias)`: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md */
function fusedWithBias(order: Node[]): ActivationMatch[] {
  return order.flatMap((node) => {
    const { addsBefore, formula } = operatorOf(node);
    const pre = node.input;
    const bias = addsBefore && node.inputs[addsBefore];
    const likeness = pre && bias && nearestActivation((t) => formula!([t], node));
    return likeness ? [{ name: likeness.name, pre, bias, post: node.output }] : [];
  });
}

/** PRelu whose slope differs from channel to channel: no function of one number. */
function perChannel(order: Node[]): ActivationMatch[] {
  return order.flatMap((node) => {
    const [pre, slope] = node.inputs;
    if (!node.is('PRelu') || !pre || !slope || constantScalar(slope) !== null) return [];
    return constantTensor(slope) ? [{ name: 'prelu', pre, bias: null, post: node.output }] : [];
  });
}

/** Groups of values that one value, the first of the group, determines; in topological order. */
function regions(order: Node[]): Value[][] {
  const base = new Map<Value, Value>();
  const members = new Map<Value, Value[]>();
  for (const node of order) {
    const output = node.outputs[0];
    if (!output || !operatorOf(node).formula) continue;
    const operands = node.inputs.slice(0, operandCount(node)).filter((input) => input !== null);
    const bases = new Set(
      operands.filter((input) => constantScalar(input) === null).map((input) => base.get(input) ?? input),
    );
    const [only] = bases;
    if (bases.size !== 1 || !only || constantTensor(only)) continue;
    base.set(output, only);
    const group = members.get(only);
    if (group) group.push(output);
    else members.set(only, [only, output]);
  }
  return [...members.values()];
}

interface Candidate extends ActivationMatch {
  /** Values strictly between pre and post. */
  interior: Set<Value>;
}

function searchRegion(members: Value[]): { matches: ActivationMatch[]; miss: ActivationMiss | null } {
  const candidates: Candidate[] = [];
  let miss: ActivationMiss | null = null;
  for (const [i, post] of members.entries()) {
    if (i === 0 || isPassThrough(post.producer!)) continue;
    for (const pre of members.slice(0, i).reverse()) {
      if (pre.type && !isFloat(pre.type.elemType)) continue;
      const path = functionBetween(pre, post);
      const likeness = path && nearestActivation(path.f);
      if (!likeness) continue;
      if (likeness.difference <= ACTIVATION_TOLERANCE) {
        candidates.push({ name: likeness.name, pre, bias: null, post, interior: path.interior });
        break;
      }
      if (!miss || likeness.difference < miss.nearest.difference) miss = { pre, post, nearest: likeness };
    }
  }
  const region = new Set(members);
  const whole = candidates.filter(({ post }) => !isStep(post, region));
  const matches = whole.filter((a) => !whole.some((b) => b !== a && covers(b, a)));
  return { matches: matches.map(({ name, pre, bias, post }) => ({ name, pre, bias, post })), miss };
}

/**
 * Whether `inner` is only a step of `outer`. Where both are the same function of the same value nothing is done to it after
 * `inner` but, say, a product with 1, as a graph isomorphism network's 1 + ε is: then `outer` is the one too many.
 */
function covers(outer: Candidate, inner: Candidate): boolean {
  const same = (a: Candidate, b: Candidate): boolean => a.name === b.name && a.pre === b.pre;
  if (same(outer, inner)) return inner.interior.has(outer.post);
  return outer.interior.has(inner.post) || (outer.post === inner.post && outer.interior.has(inner.pre));
}

/** Whether the value is combined with another one of its region: then it is a step of something larger. */
function isStep(post: Value, region: Set<Value>): boolean {
  return post.uses.some(({ node }) => {
    const output = node.outputs[0];
    const others = node.inputs.slice(0, operandCount(node)).filter((input) => input && input !== post);
    return output && region.has(output) && others.some((input) => constantScalar(input!) === null);
  });
}

function isPassThrough(node: Node): boolean {
  return (
    operandCount(node) === 1 &&
    ['Identity', 'Cast', 'Dropout', 'QuantizeLinear', 'DequantizeLinear'].includes(node.opType)
  );
}

/** The function that takes `pre` to `post`, or `null` when anything but `pre` and constants enters. */
function functionBetween(pre: Value, post: Value): { f: (t: number) => number; interior: Set<Value> } | null {
  const interior = new Set<Value>();
  const compiled = new Map<Value, (t: number) => number>([[pre, (t) => t]]);
  const compile = (value: Value): ((t: number) => number) | null => {
    const known = compiled.get(value);
    if (known) return known;
    const constant = constantScalar(value);
    if (constant !== null) return () => constant;
    const node = value.producer;
    const op = node && operatorOf(node).formula;
    if (!node || !op || value.outputIndex !== 0) return null;
    const args: (((t: number) => number) | undefined)[] = [];
    for (const input of node.inputs.slice(0, operandCount(node))) {
      const arg = input ? compile(input) : undefined;
      if (arg === null) return null;
      args.push(arg);
    }
    if (value !== post) interior.add(value);
    const f = (t: number): number => op(args.map((arg) => arg?.(t)) as number[], node);
    compiled.set(value, f);
    return f;
  };
  const f = compile(post);
  return f && { f, interior };
}
