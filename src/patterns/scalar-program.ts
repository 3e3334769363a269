import type { Node, Value } from '../graph/graph.js';
import { operandCount, operatorOf, type ScalarFormula } from '../graph/operators.js';
import type { ScalarFunction } from './known-activations.js';
import type { ScalarRegions } from './scalar-regions.js';

/** One node of a program. */
interface Instruction {
  node: Node;
  formula: ScalarFormula;
  /** Constants, and room for what is read from slots. */
  operands: number[];
  /** Slot of each operand. */
  reads: readonly (readonly [operand: number, slot: number])[];
}

/**
 * Compiles the function from `pre` to the last of `steps`: one slot for each value, so that no value is
 * computed twice.
 *
 * @param steps The values after `pre`, in topological order.
 */
export function compile(pre: Value, steps: readonly Value[], regions: ScalarRegions): ScalarFunction {
  const slots = new Map<Value, number>([[pre, 0]]);
  for (const value of steps) slots.set(value, slots.size);
  const program = steps.map((value) => instruction(value.producer!, slots, regions));
  const numbers = new Float64Array(slots.size);
  return (t) => {
    numbers[0] = t;
    let slot = 1;
    for (const { node, formula, reads, operands } of program) {
      for (const [operand, from] of reads) operands[operand] = numbers[from]!;
      numbers[slot++] = formula(operands, node);
    }
    return numbers[slot - 1]!;
  };
}

function instruction(node: Node, slots: ReadonlyMap<Value, number>, regions: ScalarRegions): Instruction {
  const inputs = node.inputs.slice(0, operandCount(node));
  const slotOf = (input: Value | null) => (input ? slots.get(input) : undefined);
  return {
    node,
    formula: operatorOf(node).formula!,
    // An operand that the file leaves out is undefined.
    operands: inputs.map((input) => (input && regions.scalar(input)) ?? (undefined as unknown as number)),
    reads: inputs.flatMap((input, i) => {
      const slot = slotOf(input);
      return slot === undefined ? [] : [[i, slot] as const];
    }),
  };
}
