import type { Node, Value } from '../graph/graph.js';
import { operandCount, operatorOf, passesNumbers } from '../graph/operators.js';
import { isFloat } from '../onnx/data-types.js';
import type { ScalarFunction } from './known-activations.js';
import {
  ACTIVATION_TOLERANCE,
  type Likeness,
  nearestActivation,
  roughLikeness,
} from './nearest-activation.js';
import { ScalarRegions } from './scalar-regions.js';

/** post = f(pre), where f is no known activation function and not affine. */
export interface ActivationMiss {
  pre: Value;
  post: Value;
  nearest: Likeness;
}

/** A function of one number, between two values of a region. */
interface Path {
  pre: Value;
  post: Value;
  /** The values after `pre`, in topological order; `post` is the last. */
  steps: readonly Value[];
}

interface Candidate extends Path {
  name: string;
}

/** Nodes of one activation function, at most: the tanh form of GELU has 8, and casts or quantizers between them. */
const MOST_STEPS = 64;
/** Values upstream of an output that are tried as the input of its function, at most. */
const MOST_TRIED = 12;
/** Functions of one region that are compared with all known ones to name the nearest, at most. */
const MOST_COMPARED = 64;

/**
 * Returns the activation functions that are written as element-by-element nodes, and the nearest miss of each region
 * without one. Near-linear in the nodes, since an activation function has at most `MOST_STEPS` of them.
 */
export function searchRegions(order: readonly Node[]): {
  matches: Pick<Candidate, 'name' | 'pre' | 'post'>[];
  misses: ActivationMiss[];
} {
  const regions = new ScalarRegions(order);
  const candidates: Candidate[] = [];
  const unknown = new Map<Value, Path[]>();
  for (const post of regions.values()) {
    if (passesNumbers(post.producer!)) continue;
    const { candidate, others } = functionEndingAt(post, regions);
    if (candidate) candidates.push(candidate);
    const source = regions.source(post)!;
    const list = unknown.get(source) ?? [];
    unknown.set(source, list);
    if (list.length < MOST_COMPARED) list.push(...others);
  }
  const matches = withoutSteps(candidates.filter(({ post }) => !isStep(post, regions)));
  const found = new Set(matches.map(({ post }) => regions.source(post)));
  const misses = [...unknown].flatMap(([source, paths]) =>
    found.has(source) ? [] : (nearestMiss(paths, regions) ?? []),
  );
  return { matches, misses };
}

/** Returns the known function that ends at a value and begins as near as possible, and the unknown ones. */
function functionEndingAt(
  post: Value,
  regions: ScalarRegions,
): { candidate: Candidate | null; others: Path[] } {
  const others: Path[] = [];
  let member: Candidate | null = null;
  let steps: Value[] = [];
  let [end, tried, isTried]: [Value, number, boolean] = [post, 0, false];
  for (let pre = regions.dominator(post); pre && tried < MOST_TRIED; pre = regions.dominator(pre)) {
    const more = regions.steps(end, MOST_STEPS - steps.length);
    if (!more) break;
    steps = [...more, ...steps];
    // The function of a value and of its moved or quantized copy is the same: the nearest one stands for all.
    const isCopied: boolean = isTried && passesNumbers(end.producer!);
    end = pre;
    isTried = isCopied || !pre.type || isFloat(pre.type.elemType);
    if (isCopied || !isTried) continue;
    tried++;
    const path = { pre, post, steps };
    const f = functionOf(path, regions);
    const near = roughLikeness(f);
    if (!near) continue;
    const likeness = near.difference <= ACTIVATION_TOLERANCE ? nearestActivation(f) : near;
    if (!likeness || likeness.difference > ACTIVATION_TOLERANCE) {
      others.push(path);
      continue;
    }
    const found = { ...path, name: likeness.name };
    // A member of a family may be the last step of a function with a name of its own: GELU, cut off at 10.
    const isMember = found.name.includes('(');
    if (!isMember) return { candidate: found, others };
    member ??= found;
  }
  return { candidate: member, others };
}

/** Compiles a path: one slot for each value, in topological order, so that no value is computed twice. */
function functionOf({ pre, steps }: Path, regions: ScalarRegions): ScalarFunction {
  const slots = new Map<Value, number>([[pre, 0]]);
  for (const value of steps) slots.set(value, slots.size);
  const program = steps.map((value) => {
    const node = value.producer!;
    const operands = node.inputs.slice(0, operandCount(node)).map((operand) => {
      const slot = operand ? slots.get(operand) : undefined;
      return { slot, constant: operand && slot === undefined ? regions.scalar(operand)! : undefined };
    });
    return { node, formula: operatorOf(node).formula!, operands };
  });
  return (t) => {
    const numbers = [t];
    for (const { node, formula, operands } of program) {
      const read = operands.map(({ slot, constant }) => (slot === undefined ? constant : numbers[slot]));
      numbers.push(formula(read as number[], node));
    }
    return numbers.at(-1)!;
  };
}

/** Returns true if a value is combined with another one of its region: it is a step of something larger. */
function isStep(post: Value, regions: ScalarRegions): boolean {
  const source = regions.source(post);
  return post.uses.some(({ node }) => {
    const output = node.outputs[0];
    if (!output || regions.source(output) !== source) return false;
    return regions.operands(output).some((operand) => operand !== post);
  });
}

/**
 * Drops functions that are only a step of another one. One case is reversed: if both are the same function of the same
 * value, then the outer one only multiplies the inner one by 1 (a graph isomorphism network's `1 + ε` with `ε = 0`), and
 * the outer one is dropped.
 */
function withoutSteps(candidates: readonly Candidate[]): Candidate[] {
  const ending = new Map(candidates.map((candidate) => [candidate.post, candidate]));
  const dropped = new Set<Candidate>();
  for (const outer of candidates) {
    for (const step of outer.steps.slice(0, -1)) {
      const inner = ending.get(step);
      if (inner) dropped.add(inner.name === outer.name && inner.pre === outer.pre ? outer : inner);
    }
  }
  return candidates.filter((candidate) => !dropped.has(candidate));
}

function nearestMiss(paths: readonly Path[], regions: ScalarRegions): ActivationMiss | null {
  let miss: ActivationMiss | null = null;
  for (const path of paths) {
    const nearest = nearestActivation(functionOf(path, regions));
    if (nearest && (!miss || nearest.difference < miss.nearest.difference)) {
      miss = { pre: path.pre, post: path.post, nearest };
    }
  }
  return miss;
}
