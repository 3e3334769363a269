import { constantInts } from '../../../graph/constants.js';
import type { Node, Value } from '../../../graph/graph.js';
import {
  type Arrival,
  type AxisRemoval,
  label,
  type Propagation,
  type Refusal,
  refuse,
  type ShapeOf,
  unknownSizes,
} from './removal.js';

/**
 * Adds the edit of the number that counts the neurons in the shape that a node reads: Reshape, Expand,
 * ConstantOfShape.
 *
 * @param holder Input with the shape, [rank].
 * @param after Removal from the node's output.
 */
export function withSizeEdit(
  { node, shapeOf }: Arrival,
  holder: number,
  after: AxisRemoval,
  removals: Propagation['removals'],
): Propagation | Refusal {
  const shape = node.inputs[holder];
  const rank = node.outputs[0] && shapeOf(node.outputs[0])?.length;
  if (!shape || !rank) return unknownSizes(node);
  const element = (shapeOf(shape)?.[0] ?? rank) + after.axis;
  // Expand broadcasts: a shorter shape says nothing of the neurons' axis.
  if (element < 0) return { removals };
  const size = sizeAt(shape, element, shapeOf);
  if (size === after.width) {
    return { removals, sizeEdits: [{ node, holder, element, decrease: after.removed.size }] };
  }
  const followsByItself = size === null || size === -1 || size === 1 || (size === 0 && node.is('Reshape'));
  return followsByItself
    ? { removals }
    : refuse(`${label(node)} asks for the size ${size} where the neurons are`);
}

/** Returns an element of a shape if the file states it; `null` when it is computed from other shapes. */
function sizeAt(shape: Value, element: number, shapeOf: ShapeOf): number | null {
  const constant = constantInts(shape);
  if (constant) return constant[element] ?? null;
  const part = concatPart(shape, element, shapeOf);
  return part && sizeAt(part.value, part.element, shapeOf);
}

/** An input of a Concat, and the place in it that an element of the joined shape comes from. */
export interface ConcatPart {
  concat: Node;
  index: number;
  value: Value;
  element: number;
}

/**
 * Finds the input of a Concat that an element of a shape comes from; `null` when the shape is no Concat of
 * known sizes.
 */
export function concatPart(shape: Value, element: number, shapeOf: ShapeOf): ConcatPart | null {
  const concat = shape.producer;
  if (!concat?.is('Concat')) return null;
  let start = 0;
  for (const [index, value] of concat.inputs.entries()) {
    const length = value && (constantInts(value)?.length ?? shapeOf(value)?.[0]);
    if (!value || !length) return null;
    if (element < start + length) return { concat, index, value, element: element - start };
    start += length;
  }
  return null;
}
