import type { Node } from './graph.js';
import { microsoft } from './operators/microsoft.js';
import type { Operator } from './operators/operator.js';
import { standard } from './operators/standard.js';

export type {
  Operator,
  Placement,
  ResidualLayout,
  ScalarFormula,
  WeightLayout,
} from './operators/operator.js';

/** Rows of the one table of operators, by domain. A new operator is one row there. */
const tables: Record<string, Record<string, Operator>> = { '': standard, 'com.microsoft': microsoft };

const unknown: Operator = {};

/** Returns the row of the node's operator; an empty row if the table does not know it. */
export function operatorOf({ domain, opType }: Node): Operator {
  const table = Object.hasOwn(tables, domain) ? tables[domain]! : null;
  return table && Object.hasOwn(table, opType) ? table[opType]! : unknown;
}

/** Returns true if the numbers of an input come out unchanged: only placed, typed or quantized otherwise. */
export function passesNumbers(node: Node, input = 0): boolean {
  return operatorOf(node).passes?.includes(input) ?? false;
}

/** Returns true if the neurons of an input come out moved, picked or pooled, but not through a function. */
export function carriesNeurons(node: Node, input = 0): boolean {
  const { passes, keeps } = operatorOf(node);
  return passes?.includes(input) || keeps?.includes(input) || false;
}

/** Returns true if neuron n of the output depends on no other neuron of an input than n. */
export function keepsNeurons(node: Node, input = 0): boolean {
  return (
    carriesNeurons(node, input) || (operatorOf(node).formula !== undefined && input < operandCount(node))
  );
}

/** Returns the number of leading inputs that are operands of the operator's formula. */
export function operandCount(node: Node): number {
  return operatorOf(node).operands ?? node.inputs.length;
}
