import type { Node, Value } from '../graph/graph.js';
import { passesNumbers } from '../graph/operators.js';
import { isFloat } from '../onnx/data-types.js';
import type { ScalarFunction } from './known-activations.js';
import {
  ACTIVATION_TOLERANCE,
  type Likeness,
  nearestActivation,
  possibleActivations,
  SAMPLES,
} from './nearest-activation.js';
import { compile } from './scalar-program.js';
import { ScalarRegions } from './scalar-regions.js';

/** post = f(pre), where f is no known activation function and not affine. */
export interface ActivationMiss {
  pre: Value;
  post: Value;
  nearest: Likeness;
}

interface Candidate {
  name: string;
  pre: Value;
  post: Value;
}

/** A function that ends at a value, sampled. */
interface Trace {
  /** The value where it begins. */
  pre: Value;
  /** The function at the `SAMPLES`. */
  values: readonly number[];
  /** Number of nodes. */
  length: number;
}

/**
 * Nodes of one activation function, at most: the tanh form of GELU has 8, and casts or quantizers between
 * them.
 */
const MOST_STEPS = 64;
/** Values upstream of an output that are tried as the input of its function, at most. */
const MOST_TRIED = 8;
/** Functions of one region that are compared with all known ones to name the nearest, at most. */
const MOST_COMPARED = 64;

/**
 * Returns the activation functions that are written as element-by-element nodes, and the nearest miss of each
 * region without one. Near-linear in the nodes, since an activation function has at most `MOST_STEPS` of
 * them.
 */
export function searchRegions(order: readonly Node[]): { matches: Candidate[]; misses: ActivationMiss[] } {
  const regions = new ScalarRegions(order);
  const candidates: Candidate[] = [];
  const unknown = new Map<Value, { pre: Value; post: Value }[]>();
  for (const { post, traces } of tracesOf(regions)) {
    if (passesNumbers(post.producer!)) continue;
    const { candidate, others } = functionEndingAt(post, traces, regions);
    if (candidate) candidates.push(candidate);
    const source = regions.source(post)!;
    const list = unknown.get(source) ?? [];
    unknown.set(source, list);
    if (list.length < MOST_COMPARED) list.push(...others.map((pre) => ({ pre, post })));
  }
  const matches = withoutSteps(
    candidates.filter(({ post }) => !isStep(post, regions)),
    regions,
  );
  const found = new Set(matches.map(({ post }) => regions.source(post)));
  const misses = [...unknown].flatMap(([source, paths]) =>
    found.has(source) ? [] : (nearestMiss(paths, regions) ?? []),
  );
  return { matches, misses };
}

/**
 * The functions that end at each value of the regions, by a value's chain of dominators, the nearest first.
 */
function* tracesOf(regions: ScalarRegions): Generator<{ post: Value; traces: Trace[] }> {
  const known = new Map<Value, { traces: Trace[]; readers: number }>();
  for (const post of regions.values()) {
    const dominator = regions.dominator(post)!;
    const before = known.get(dominator);
    const traces = extended(post, dominator, before?.traces ?? [], regions);
    yield { post, traces };
    if (before && --before.readers === 0) known.delete(dominator);
    const readers = regions.dominated(post);
    if (readers > 0) known.set(post, { traces, readers });
  }
}

function extended(post: Value, dominator: Value, before: readonly Trace[], regions: ScalarRegions): Trace[] {
  const steps = regions.steps(post, MOST_STEPS);
  if (!steps) return [];
  const f = compile(dominator, steps, regions);
  const traces = before
    .filter(({ length }) => length + steps.length <= MOST_STEPS)
    .map(({ pre, values, length }) => ({ pre, values: values.map(f), length: length + steps.length }));
  const isReal = (value: Value): boolean => !value.type || isFloat(value.type.elemType);
  // The function of a value and of its moved or quantized copy is the same: the nearest one stands for all.
  const isCopied = passesNumbers(post.producer!) && isReal(post);
  if (isReal(dominator) && !isCopied) {
    traces.unshift({ pre: dominator, values: SAMPLES.map(f), length: steps.length });
  }
  return traces.slice(0, MOST_TRIED);
}

/** Returns the known function that ends at a value, and where the unknown ones begin. */
function functionEndingAt(
  post: Value,
  traces: readonly Trace[],
  regions: ScalarRegions,
): { candidate: Candidate | null; others: Value[] } {
  const others: Value[] = [];
  let member: Candidate | null = null;
  for (const { pre, values } of traces) {
    const names = possibleActivations(values);
    if (!names) continue;
    const likeness = names.size > 0 ? nearestActivation(functionBetween(pre, post, regions), names) : null;
    if (!likeness || likeness.difference > ACTIVATION_TOLERANCE) {
      others.push(pre);
      continue;
    }
    const candidate = { name: likeness.name, pre, post };
    // A member of a family may be the last step of a function with a name of its own: GELU, cut off at 10.
    if (!likeness.name.includes('(')) return { candidate, others };
    member ??= candidate;
  }
  return { candidate: member, others };
}

function functionBetween(pre: Value, post: Value, regions: ScalarRegions): ScalarFunction {
  return compile(pre, stepsBetween(pre, post, regions), regions);
}

/** Returns the values after `pre`, which is in the chain of dominators of `post`, in topological order. */
function stepsBetween(pre: Value, post: Value, regions: ScalarRegions): Value[] {
  const parts: Value[][] = [];
  for (let at = post; at !== pre; at = regions.dominator(at)!) parts.push(regions.steps(at, MOST_STEPS)!);
  return parts.reverse().flat();
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
 * Drops functions that are only a step of another one. One case is reversed: if both are the same function of
 * the same value, then the outer one only multiplies the inner one by 1 (a graph isomorphism network's `1 +
 * ε` with `ε = 0`), and the outer one is dropped.
 */
function withoutSteps(candidates: readonly Candidate[], regions: ScalarRegions): Candidate[] {
  const ending = new Map(candidates.map((candidate) => [candidate.post, candidate]));
  const dropped = new Set<Candidate>();
  for (const outer of candidates) {
    for (const step of stepsBetween(outer.pre, outer.post, regions).slice(0, -1)) {
      const inner = ending.get(step);
      if (inner) dropped.add(inner.name === outer.name && inner.pre === outer.pre ? outer : inner);
    }
  }
  return candidates.filter((candidate) => !dropped.has(candidate));
}

function nearestMiss(
  paths: readonly { pre: Value; post: Value }[],
  regions: ScalarRegions,
): ActivationMiss | null {
  let miss: ActivationMiss | null = null;
  for (const { pre, post } of paths) {
    const nearest = nearestActivation(functionBetween(pre, post, regions));
    if (nearest && (!miss || nearest.difference < miss.nearest.difference)) miss = { pre, post, nearest };
  }
  return miss;
}
