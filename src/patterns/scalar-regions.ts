import { constantScalar, constantTensor } from '../graph/constants.js';
import type { Node, Value } from '../graph/graph.js';
import { operandCount, operatorOf } from '../graph/operators.js';

/**
 * The values of a graph that are functions of one number: nodes that act on each element by itself compute
 * them from one value alone, their source, and from constants.
 *
 * Every such value has a dominator: the nearest value upstream that all ways from its source pass. A value is
 * a function of each value in its chain of dominators, and of no other.
 */
export class ScalarRegions {
  readonly #members = new Map<Value, Member>();
  readonly #dominated = new Map<Value, number>();
  readonly #scalars = new Map<Value, number | null>();

  /** @param order The nodes of a graph in topological order. */
  constructor(order: readonly Node[]) {
    for (const node of order) this.#add(node);
  }

  /** The values, in topological order. */
  values(): Iterable<Value> {
    return this.#members.keys();
  }

  /** Returns the value that determines `value`; `null` for a value that is no function of one number. */
  source(value: Value): Value | null {
    return this.#members.get(value)?.source ?? null;
  }

  /**
   * Returns the nearest value that all ways to a value pass; `null` for a value that is no function of one
   * number.
   */
  dominator(value: Value): Value | null {
    return this.#members.get(value)?.dominator ?? null;
  }

  /** Returns of how many values this one is the dominator. */
  dominated(value: Value): number {
    return this.#dominated.get(value) ?? 0;
  }

  /** Returns the number that a constant operand holds; `null` for other values. */
  scalar(value: Value): number | null {
    if (this.#members.has(value)) return null;
    const known = this.#scalars.get(value);
    if (known !== undefined) return known;
    const scalar = constantScalar(value);
    this.#scalars.set(value, scalar);
    return scalar;
  }

  /** Returns the operands of a value's node that are no constants. */
  operands(value: Value): Value[] {
    return operandsOf(value.producer!).filter((operand) => this.scalar(operand) === null);
  }

  /**
   * Returns the values strictly between a value and its dominator, in topological order, then the value
   * itself: the steps by which the one is computed from the other. Returns `null` if there are more than
   * `most`.
   */
  steps(value: Value, most: number): Value[] | null {
    const end = this.dominator(value)!;
    const found = new Set([value]);
    for (const at of found) {
      for (const operand of this.operands(at)) if (operand !== end) found.add(operand);
      if (found.size > most) return null;
    }
    return [...found].sort((a, b) => this.#members.get(a)!.index - this.#members.get(b)!.index);
  }

  #add(node: Node): void {
    const output = node.outputs[0];
    if (!output || !operatorOf(node).formula) return;
    const operands = operandsOf(node).filter((operand) => this.scalar(operand) === null);
    const sources = new Set(operands.map((operand) => this.source(operand) ?? operand));
    const [source] = sources;
    if (sources.size !== 1 || !source || constantTensor(source)) return;
    const dominator = operands.reduce((a, b) => this.#common(a, b) ?? source);
    this.#dominated.set(dominator, 1 + this.dominated(dominator));
    const depth = 1 + (this.#members.get(dominator)?.depth ?? 0);
    this.#members.set(output, { source, dominator, depth, index: this.#members.size });
  }

  /** The nearest dominator that two values of a region share; `null` if it is far away. */
  #common(a: Value, b: Value): Value | null {
    let [first, second] = [a, b];
    for (let steps = 0; first !== second; steps++) {
      if (steps === FARTHEST) return null;
      const [depthA, depthB] = [this.#members.get(first)?.depth ?? 0, this.#members.get(second)?.depth ?? 0];
      if (depthA >= depthB) first = this.dominator(first)!;
      else second = this.dominator(second)!;
    }
    return first;
  }
}

/** Known facts of a region's value. */
interface Member {
  source: Value;
  dominator: Value;
  /** Number of dominators in its chain. */
  depth: number;
  /** Place in the topological order. */
  index: number;
}

/**
 * Values upstream of two operands among which their dominator is looked for: no activation function is
 * written longer.
 */
const FARTHEST = 64;

function operandsOf(node: Node): Value[] {
  return node.inputs.slice(0, operandCount(node)).filter((operand) => operand !== null);
}
