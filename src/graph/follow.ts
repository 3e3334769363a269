import type { Node, Value } from './graph.js';
import { keepsNeurons, passesNumbers } from './operators.js';

/** Upstream is towards the inputs of the graph, downstream towards its outputs. */
export type Direction = 'upstream' | 'downstream';

/** A step of a walk over one node, between one of its inputs and one of its outputs. */
export interface Crossing {
  node: Node;
  /** Index of the input. */
  input: number;
  /** Index of the output. */
  output: number;
  /** The value that the walk has reached: the node's output upstream, its input downstream. */
  from: Value;
  /** The value that it reaches by this step. */
  to: Value;
}

/** Returns true if a walk may take a step. `reached` holds all values that the walk has reached so far. */
export type Through = (crossing: Crossing, reached: ReadonlySet<Value>) => boolean;

/** Allows steps through nodes that pass the numbers of the input. */
export const passing = ({ node, input, output }: Crossing): boolean =>
  output === 0 && passesNumbers(node, input);

/** Allows steps through nodes that keep the neurons of the input: activation functions, too. */
export const keeping = ({ node, input, output }: Crossing): boolean =>
  output === 0 && keepsNeurons(node, input);

/**
 * Nodes between the start of a walk and a value, at most: more than any exporter writes between two layers.
 */
export const WALK_LIMIT = 40;

/** Values that one walk reaches at most. It bounds the time on a graph made to be slow. */
const MOST_VALUES = 4096;

/**
 * Walks through a graph: yields `start`, then every value that can be reached by steps that `through` allows,
 * each once and the nearest first. A loop that ends early costs only what it has reached. Example, the values
 * that are only moved, cast or quantized copies of `start`:
 *
 * for (const copy of follow(start, 'downstream', passing)) …
 *
 * @param limit Nodes between `start` and a value, at most.
 */
export function* follow(
  start: Value,
  direction: Direction,
  through: Through,
  limit = WALK_LIMIT,
): Generator<Value> {
  const always = (crossing: Crossing, _: null, reached: ReadonlySet<Value>) =>
    through(crossing, reached) ? { state: null } : null;
  for (const { value } of followWith(start, direction, null, always, limit)) yield value;
}

/** A value that a walk has reached, with what is known of the way there. */
export interface Reached<S> {
  value: Value;
  state: S;
}

/**
 * Walks as `follow` does, and carries a state along the way: `through` returns the state after the step, or
 * `null` if the step is not allowed. A value that several ways reach has the state of the shortest one.
 */
export function* followWith<S>(
  start: Value,
  direction: Direction,
  initial: S,
  through: (crossing: Crossing, state: S, reached: ReadonlySet<Value>) => { state: S } | null,
  limit = WALK_LIMIT,
): Generator<Reached<S>> {
  const reached = new Set([start]);
  let layer: Reached<S>[] = [{ value: start, state: initial }];
  for (let distance = 0; layer.length > 0; distance++) {
    const next: Reached<S>[] = [];
    for (const at of layer) {
      yield at;
      if (distance === limit) continue;
      for (const crossing of crossings(at.value, direction)) {
        if (reached.has(crossing.to) || reached.size >= MOST_VALUES) continue;
        const passed = through(crossing, at.state, reached);
        if (!passed) continue;
        reached.add(crossing.to);
        next.push({ value: crossing.to, state: passed.state });
      }
    }
    layer = next;
  }
}

/** The steps that lead away from a value. */
function* crossings(from: Value, direction: Direction): Generator<Crossing> {
  if (direction === 'upstream') {
    const node = from.producer;
    for (const [input, to] of node?.inputs.entries() ?? []) {
      if (to) yield { node: node!, input, output: from.outputIndex, from, to };
    }
    return;
  }
  for (const { node, index: input } of from.uses) {
    for (const [output, to] of node.outputs.entries()) if (to) yield { node, input, output, from, to };
  }
}

/**
 * Returns the value of which `value` is only a moved, cast or quantized copy; `value` itself if it is none.
 */
export function unmoved(value: Value): Value {
  let source = value;
  for (source of follow(value, 'upstream', passing, Infinity));
  return source;
}
