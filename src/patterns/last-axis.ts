import { constantInts } from '../graph/constants.js';
import type { Node, Value } from '../graph/graph.js';
import { rankOf } from './rank.js';

/** Neurons [start, end) of a wider tensor. */
export interface NeuronRange {
  start: number;
  end: number;
}

/**
 * Returns the part of the last axis, `width` wide, that an output of a Split or a Slice takes, as a packed
 * gate-and-up projection is cut in two. Returns `null` if another axis is cut, or if the cut is known only
 * when the graph runs.
 */
export function lastAxisRange(output: Value, width: number): NeuronRange | null {
  const node = output.producer;
  const range = node?.is('Split')
    ? splitRange(node, output, width)
    : node?.is('Slice')
      ? sliceRange(node, width)
      : null;
  return range && range.start >= 0 && range.start < range.end && range.end <= width ? range : null;
}

function splitRange(node: Node, output: Value, width: number): NeuronRange | null {
  if (!isLast(node.int('axis', 0), node.input)) return null;
  const listed = node.inputs[1] ? constantInts(node.inputs[1]) : node.ints('split');
  const parts = node.outputs.length;
  const sizes = listed ?? Array.from({ length: parts }, (_, i) => partSize(width, parts, i));
  const start = sizes.slice(0, output.outputIndex).reduce((sum, size) => sum + size, 0);
  return { start, end: start + (sizes[output.outputIndex] ?? 0) };
}

/** Returns the size of one of several equal parts; the last may be smaller (Split, opset 18). */
function partSize(width: number, parts: number, index: number): number {
  const size = Math.ceil(width / parts);
  return index < parts - 1 ? size : width - size * (parts - 1);
}

function sliceRange(node: Node, width: number): NeuronRange | null {
  const [data, starts, ends, axes, steps] = node.inputs;
  const axis = axes ? constantInts(axes) : null;
  if (!data || !starts || !ends || axis?.length !== 1 || !isLast(axis[0]!, data)) return null;
  if (steps && constantInts(steps)?.[0] !== 1) return null;
  const [start, end] = [size(starts, width), size(ends, width)];
  if (start === null || end === null) return null;
  const from = start < 0 ? start + width : start;
  const to = end < 0 ? end + width : Math.min(end, width);
  return { start: from, end: to };
}

function isLast(axis: number, data: Value | null): boolean {
  return axis === -1 || (data !== null && axis >= 0 && rankOf(data) === axis + 1);
}

/**
 * Returns a number that is computed from the tensor's own width, as exporters write `size // 2`, with int64
 * division.
 */
function size(value: Value, width: number, depth = 12): number | null {
  const constant = constantInts(value);
  if (constant) return constant.length === 1 ? constant[0]! : null;
  const node = value.producer;
  if (!node || depth === 0) return null;
  const arg = (i: number): number | null => (node.inputs[i] ? size(node.inputs[i], width, depth - 1) : null);
  switch (node.domain === '' ? node.opType : '') {
    case 'Identity':
    case 'Cast':
    case 'Unsqueeze':
    case 'Squeeze':
    case 'Reshape':
      return arg(0);
    case 'Gather': {
      const index = node.inputs[1] ? constantInts(node.inputs[1]) : null;
      const shape = node.input?.producer;
      return shape?.is('Shape') && index?.length === 1 && isLast(index[0]!, shape.input) ? width : null;
    }
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div': {
      const [a, b] = [arg(0), arg(1)];
      return a === null || b === null ? null : arithmetic[node.opType]!(a, b);
    }
    default:
      return null;
  }
}

const arithmetic: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => Math.trunc(a / b),
};
