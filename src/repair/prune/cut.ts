import { constantTensor } from '../../graph/constants.js';
import type { Node, Value } from '../../graph/graph.js';

/** Indices to remove along one axis of a tensor. */
export interface Cut {
  /** Counted from the end: -1 is the last, so that broadcasting keeps it. */
  axis: number;
  /** Size of the axis before. */
  width: number;
  /** Index along the axis → the neuron it belongs to; increasing. */
  removed: ReadonlyMap<number, number>;
}

/** An input or output of a node. */
export interface Port {
  side: 'input' | 'output';
  index: number;
}

/** A number in the file that counts neurons: an element of a shape, a size of Split, the groups of a convolution. */
export interface SizeEdit {
  node: Node;
  /** Input that holds it, or the name of the attribute. */
  place: number | string;
  /** Index in the vector; `null` where the attribute is one number. */
  element: number | null;
  /** What it is less by. */
  minus: number;
}

/** A multiplication that sums over the neurons: here their influence ends, in Σ_n x[n] · W[n, out]. */
export interface LinearEnd {
  node: Node;
  /** The weight operand, and the axes of inputs and outputs in it, counted from the end. */
  operand: Value;
  inAxis: number;
  outAxis: number;
  /** x along the neurons' axis. */
  cut: Cut;
  /** Why a neuron that is constant but not zero cannot be folded into a bias here; `null` when it can. */
  onlyZero: string | null;
}

/** What a cut at one port of a node means for its other ports. */
export interface Spread {
  ports: [Port, Cut][];
  edits?: SizeEdit[];
  end?: LinearEnd;
}

export interface Refusal {
  reason: string;
}

/** Sizes of a tensor: known from the file, or measured by running a batch. */
export type DimsOf = (value: Value) => readonly number[] | null;

/** Sizes of constants from the file, of all others from `measured`, by name. */
export function dimsFrom(measured: ReadonlyMap<string, readonly number[]>): DimsOf {
  return (value) => constantTensor(value)?.dims.map(Number) ?? measured.get(value.name) ?? null;
}

export const input = (index: number): Port => ({ side: 'input', index });
export const output = (index = 0): Port => ({ side: 'output', index });

export function at(node: Node, port: Port): Value | null {
  return (port.side === 'input' ? node.inputs[port.index] : node.outputs[port.index]) ?? null;
}

export const refuse = (reason: string): Refusal => ({ reason });

export function label(node: Node): string {
  return `${node.opType} \`${node.name || node.outputs[0]?.name || ''}\``;
}

/** The same indices on another axis. */
export const onAxis = (cut: Cut, axis: number): Cut => ({ ...cut, axis });

/** Indices moved by `offset` into an axis of another size. */
export function shifted(cut: Cut, offset: number, width: number): Cut {
  return { ...cut, width, removed: new Map([...cut.removed].map(([i, neuron]) => [i + offset, neuron])) };
}

export function sameCut(a: Cut, b: Cut): boolean {
  return (
    a.axis === b.axis &&
    a.width === b.width &&
    a.removed.size === b.removed.size &&
    [...a.removed].every(([index, neuron]) => b.removed.get(index) === neuron)
  );
}

/** How a tensor's axis relates to a cut: it has the neurons, it is broadcast over them, or something else. */
export function covers(
  dims: readonly number[] | null,
  { axis, width }: Cut,
): 'full' | 'broadcast' | 'unknown' {
  if (!dims) return 'unknown';
  const size = dims.at(axis);
  if (-axis > dims.length || (size === 1 && width !== 1)) return 'broadcast';
  return size === width ? 'full' : 'unknown';
}
