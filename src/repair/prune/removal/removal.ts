import { constantTensor } from '../../../graph/constants.js';
import type { Node, Value } from '../../../graph/graph.js';

/**
 * Removed neurons as indices of tensors. Dimension names in this folder: `neurons` of the layer that is
 * pruned, `inputs` and `outputs` of a weight, `positions` (every other axis), `kernel` of a convolution. Axes
 * are counted from the end, -1 is the last, because broadcasting aligns tensors there.
 */

/** Indices removed along one axis of a tensor. */
export interface AxisRemoval {
  axis: number;
  /** Size of the axis before. */
  width: number;
  /** Index along the axis → the neuron it belongs to; increasing. */
  removed: ReadonlyMap<number, number>;
}

/** Input or output `index` of a node. */
export interface Endpoint {
  side: 'input' | 'output';
  index: number;
}

/**
 * A number in the file that counts neurons: an element of a shape, a size of Split, the groups of a
 * convolution.
 */
export interface SizeEdit {
  node: Node;
  /** Input that holds the number, or name of the attribute. */
  holder: number | string;
  /** Index in the vector; `null` where the attribute is one number. */
  element: number | null;
  /** Amount by which it becomes smaller. */
  decrease: number;
}

/** A layer that sums over the neurons, y[out] = Σ_n x[n] · W[n, out]: downstream of it there are none. */
export interface SummingLayer {
  node: Node;
  /** W as the node multiplies it, and the axis of its outputs. */
  operand: Value;
  outAxis: number;
  /** Removal from x. */
  removal: AxisRemoval;
  /**
   * Reason why a neuron that is constant, but not zero, cannot be added to a bias here; `null` when it can.
   */
  biasObstacle: string | null;
}

/** Effect of a removal at one endpoint of a node on the node's other endpoints. */
export interface Propagation {
  /** Endpoints that lose indices; all others keep their size. */
  removals: [Endpoint, AxisRemoval][];
  sizeEdits?: SizeEdit[];
  summingLayer?: SummingLayer;
}

/** Reason why neurons cannot be removed. */
export interface Refusal {
  reason: string;
}

/** A removal that arrives at one endpoint of a node. */
export interface Arrival {
  node: Node;
  from: Endpoint;
  removal: AxisRemoval;
  shapeOf: ShapeOf;
}

/**
 * Returns the sizes of a tensor, known from the file or measured on a batch; `null` when they are not known.
 */
export type ShapeOf = (value: Value) => readonly number[] | null;

/** Returns the sizes of constants from the file, and those of all other tensors from `measured`, by name. */
export function shapesFrom(measured: ReadonlyMap<string, readonly number[]>): ShapeOf {
  return (value) => constantTensor(value)?.dims.map(Number) ?? measured.get(value.name) ?? null;
}

export const input = (index: number): Endpoint => ({ side: 'input', index });
export const output = (index = 0): Endpoint => ({ side: 'output', index });

/** Returns the value at an endpoint; `null` for an optional one that is left out. */
export function valueAt(node: Node, { side, index }: Endpoint): Value | null {
  return (side === 'input' ? node.inputs[index] : node.outputs[index]) ?? null;
}

/** The removal passes from input 0 to the output as it is. */
export const unchanged = (removal: AxisRemoval): Propagation => ({
  removals: [
    [input(0), removal],
    [output(), removal],
  ],
});

export const refuse = (reason: string): Refusal => ({ reason });

export const unknownSizes = (node: Node): Refusal => refuse(`the sizes at ${label(node)} are not known`);

/** Names a node for a person: `Reshape `/h.0/Reshape``. */
export function label(node: Node): string {
  return `${node.opType} \`${node.name || node.outputs[0]?.name || ''}\``;
}

/** Counts an axis from the end: axis 0 of 3 is -3. */
export const fromEnd = (axis: number, rank: number): number => (axis < 0 ? axis : axis - rank);

/** Returns the same indices on another axis. */
export const onAxis = (removal: AxisRemoval, axis: number): AxisRemoval => ({ ...removal, axis });

/** Returns the indices moved by `offset`, in an axis of another size. */
export function shifted(removal: AxisRemoval, offset: number, width: number): AxisRemoval {
  return { ...removal, width, removed: new Map([...removal.removed].map(([i, n]) => [i + offset, n])) };
}

/** Returns the part of a removal in [start, start + width), counted from there. */
export function within({ axis, removed }: AxisRemoval, start: number, width: number): AxisRemoval {
  const inside = [...removed].filter(([index]) => index >= start && index < start + width);
  return { axis, width, removed: new Map(inside.map(([index, neuron]) => [index - start, neuron])) };
}

/** Returns true if two removals of one tensor are the same. */
export function sameRemoval(a: AxisRemoval, b: AxisRemoval): boolean {
  return (
    a.axis === b.axis &&
    a.width === b.width &&
    a.removed.size === b.removed.size &&
    [...a.removed].every(([index, neuron]) => b.removed.get(index) === neuron)
  );
}

/**
 * Tells if a tensor has the neurons on the removal's axis, is broadcast over them, or something else
 * (`unknown`).
 */
export function neuronsAt(
  shape: readonly number[] | null,
  { axis, width }: AxisRemoval,
): 'present' | 'broadcast' | 'unknown' {
  if (!shape) return 'unknown';
  const size = shape.at(axis);
  if (-axis > shape.length || (size === 1 && width !== 1)) return 'broadcast';
  return size === width ? 'present' : 'unknown';
}
