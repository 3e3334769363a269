import { constantInts, constantTensor } from '../graph/constants.js';
import { type Crossing, followWith } from '../graph/follow.js';
import type { Node, Value } from '../graph/graph.js';
import { passesNumbers } from '../graph/operators.js';
import { elementCount } from '../onnx/tensors.js';
import { isConstant } from './operands.js';

/** A weight as it is stored, and how an operand was made of it. */
export interface StoredWeight {
  /** The initializer or the output of a Constant node. */
  value: Value;
  /** Shape of the stored tensor. */
  shape: number[];
  /** Axis of the stored tensor for each axis of the operand; `null` for an axis of size 1 that was added. */
  axes: readonly (number | null)[];
  /** Rule by which stored codes become numbers; `null` if the numbers themselves are stored. */
  decoding: Decoding | null;
  /** True if the file stores numbers and quantizes them when it runs. */
  quantizedAtRun: boolean;
}

/** The stored codes mean (code − zero point) · scale. */
export interface Decoding {
  /** `null` if the scale is computed: it is the same for all weights of a neuron, then. */
  scale: Value | null;
  /** `null`: 0. */
  zeroPoint: Value | null;
  /** Axis of the stored tensor that a one-dimensional scale counts; `null` if that is not known. */
  axis: number | null;
  /** Number of elements along `axis` that share a scale; 0 if there are no blocks. */
  blockSize: number;
}

/** Nodes between a stored weight and the operand that is made of it, at most. */
const WEIGHT_DEPTH = 16;

/**
 * Returns the stored tensor that an operand is made of: moved, cast, transposed, dequantized by an operator
 * or by hand, (Cast(W) − zero point) · scale. Returns `null` for an operand that depends on an input of the
 * graph, or is made of several large tensors.
 */
export function storedWeight(operand: Value): StoredWeight | null {
  return storedThrough(operand, mayCarryWeight);
}

function storedThrough(operand: Value, through: (step: Crossing) => boolean): StoredWeight | null {
  const path = pathToLargest(operand, through);
  if (!path) return null;
  const tensor = constantTensor(path[0]?.to ?? operand)!;
  const shape = tensor.dims.map(Number);
  const stored: StoredWeight = {
    value: path[0]?.to ?? operand,
    shape,
    axes: shape.map((_, axis) => axis),
    decoding: null,
    quantizedAtRun: false,
  };
  return path.reduce<StoredWeight | null>((weight, step) => weight && made(weight, step), stored);
}

/** Returns the axis of the stored tensor for an axis of the operand; negative axes count from the end. */
export function storedAxis({ axes }: StoredWeight, axis: number): number | null {
  return axes.at(axis) ?? null;
}

/** The steps from the largest stored tensor upstream of an operand to the operand. */
function pathToLargest(operand: Value, through: (step: Crossing) => boolean): Crossing[] | null {
  type Path = { step: Crossing; next: Path | null };
  let largest: { path: Path | null; elements: number } | null = null;
  const walk = followWith<Path | null>(
    operand,
    'upstream',
    null,
    (step, next) => (through(step) ? { state: { step, next } } : null),
    WEIGHT_DEPTH,
  );
  for (const { value, state: path } of walk) {
    const tensor = constantTensor(value);
    const elements = tensor ? elementCount(tensor) : 0;
    if (tensor && (!largest || elements > largest.elements)) largest = { path, elements };
  }
  if (!largest) return null;
  const steps: Crossing[] = [];
  for (let at = largest.path; at; at = at.next) steps.push(at.step);
  return steps;
}

function mayCarryWeight(step: Crossing): boolean {
  const { node, input } = step;
  return places(step) || node.is('Mul') || (input === 0 && (node.is('Sub') || node.is('Div')));
}

/** The node only places numbers differently, or types or dequantizes them. */
function places({ node, input, output, from }: Crossing): boolean {
  if (input !== 0 || output !== 0 || constantTensor(from)) return false;
  return passesNumbers(node) || node.is('Transpose');
}

/**
 * Returns what a node makes of a weight; `null` if the weight's axes are lost, or if it is no weight any
 * more.
 */
function made(weight: StoredWeight, { node, input, to }: Crossing): StoredWeight | null {
  switch (node.opType) {
    case 'Transpose': {
      const perm = node.ints('perm') ?? weight.axes.map((_, i) => weight.axes.length - 1 - i);
      const axes = perm.map((axis) => weight.axes[axis]);
      return axes.every((axis) => axis !== undefined) ? { ...weight, axes } : null;
    }
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze':
      return reshaped(weight, node);
    case 'Expand':
      return null;
    case 'QuantizeLinear':
    case 'DynamicQuantizeLinear':
      return { ...weight, quantizedAtRun: true };
    case 'DequantizeLinear':
      return dequantized(weight, node);
    case 'Sub':
    case 'Mul':
    case 'Div':
      return scaled(weight, node, node.inputs[1 - input] ?? null, to);
    default:
      return weight;
  }
}

/** Axes of size 1 come and go; the others must stay as they are. */
function reshaped(weight: StoredWeight, node: Node): StoredWeight | null {
  const listed = node.inputs[1] ? constantInts(node.inputs[1]) : node.ints('axes');
  const { axes, shape } = weight;
  if (node.is('Unsqueeze') && listed) {
    const rank = axes.length + listed.length;
    const added = new Set(listed.map((axis) => (axis < 0 ? axis + rank : axis)));
    const rest = [...axes];
    return { ...weight, axes: Array.from({ length: rank }, (_, i) => (added.has(i) ? null : rest.shift()!)) };
  }
  if (node.is('Squeeze')) {
    const dropped = new Set((listed ?? []).map((axis) => (axis < 0 ? axis + axes.length : axis)));
    const goes = (axis: number | null, i: number) => (listed ? dropped.has(i) : sizeOf(axis, shape) === 1);
    return { ...weight, axes: axes.filter((axis, i) => !goes(axis, i)) };
  }
  if (!node.is('Reshape') || !listed) return null;
  const rest = axes.filter((axis) => sizeOf(axis, shape) !== 1);
  const after = listed.map((size) => (size === 1 ? null : (rest.shift() ?? null)));
  const fits = listed.every((size, i) => size === 1 || size < 1 || size === sizeOf(after[i]!, shape));
  return fits && rest.length === 0 ? { ...weight, axes: after } : null;
}

const sizeOf = (axis: number | null, shape: readonly number[]): number => (axis === null ? 1 : shape[axis]!);

function dequantized(weight: StoredWeight, node: Node): StoredWeight | null {
  if (weight.decoding) return null;
  if (weight.quantizedAtRun) return weight;
  const decoding = {
    scale: node.inputs[1] ?? null,
    zeroPoint: node.inputs[2] ?? null,
    axis: storedAxis(weight, node.int('axis', 1)),
    blockSize: node.int('block_size', 0),
  };
  return { ...weight, decoding };
}

/** W − zero point, or W · scale, or W / norm, with a constant that has fewer elements than W. */
function scaled(weight: StoredWeight, node: Node, other: Value | null, codes: Value): StoredWeight | null {
  if (!other || other === codes || !isConstant(other)) return null;
  const stored = storedThrough(other, places);
  if (stored && elements(stored.shape) >= elements(weight.shape)) return null;
  const before = weight.decoding;
  if (node.is('Sub')) {
    if (before || !stored) return null;
    return { ...weight, decoding: { scale: null, zeroPoint: stored.value, axis: null, blockSize: 0 } };
  }
  if (before && (before.scale || before.axis !== null)) return null;
  const scale = node.is('Mul') ? (stored?.value ?? null) : null;
  const axis = scale ? axisOf(weight, stored!) : null;
  return { ...weight, decoding: { scale, zeroPoint: before?.zeroPoint ?? null, axis, blockSize: 0 } };
}

/** The axis along which a scale has more than one number. */
function axisOf(weight: StoredWeight, scale: StoredWeight): number | null {
  const wide = scale.axes.flatMap((axis, i) =>
    sizeOf(axis, scale.shape) > 1 ? [i - scale.axes.length] : [],
  );
  return wide.length === 1 ? storedAxis(weight, wide[0]!) : null;
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
