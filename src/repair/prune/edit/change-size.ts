import { intAttribute, intsAttribute } from '../../../graph/attributes.js';
import { constantInts, constantTensor } from '../../../graph/constants.js';
import { setInput } from '../../../graph/edits.js';
import type { Node, Use, Value } from '../../../graph/graph.js';
import { DataType } from '../../../onnx/data-types.js';
import { makeTensor } from '../../../onnx/make-tensor.js';
import { type FilledCopy, isSameNumber } from '../removal/plan.js';
import type { ShapeOf, SizeEdit } from '../removal/removal.js';
import { concatPart } from '../removal/sizes.js';

/** Makes the numbers that count neurons smaller. Several edits of one number add up. */
export function changeSizes(edits: readonly SizeEdit[], shapeOf: ShapeOf): void {
  const all: SizeEdit[] = [];
  for (const edit of edits) {
    const same = all.find((other) => isSameNumber(other, edit));
    if (same) same.decrease += edit.decrease;
    else all.push({ ...edit });
  }
  for (const edit of all) changeSize(edit, shapeOf);
}

/** Gives readers of a constant-filled tensor copies of their own, and makes these smaller. */
export function copyFilledTensors(copies: readonly FilledCopy[], shapeOf: ShapeOf): void {
  const made: { use: Use; copy: Node }[] = [];
  const edits = copies.map(({ use, edit }) => {
    const known = made.find(({ use: other }) => other.node === use.node && other.index === use.index);
    if (known) return { ...edit, node: known.copy };
    const { opType, inputs, attributes, name } = edit.node;
    const spec = { opType, inputs, name: `${name}_pruned`, attributes: Object.fromEntries(attributes) };
    const copy = use.node.graph.addNode(spec);
    setInput(use.node, use.index, copy.output);
    made.push({ use, copy });
    return { ...edit, node: copy };
  });
  changeSizes(edits, shapeOf);
}

function changeSize({ node, holder, element, decrease }: SizeEdit, shapeOf: ShapeOf): void {
  if (typeof holder === 'number') {
    const shape = node.inputs[holder];
    if (shape) setInput(node, holder, withSmallerElement(shape, element ?? 0, decrease, shapeOf));
  } else if (element === null) {
    node.attributes.set(holder, intAttribute(node.int(holder, 1) - decrease));
  } else {
    const sizes = node.ints(holder) ?? [];
    const smaller = sizes.map((size, i) => (i === element ? size - decrease : size));
    node.attributes.set(holder, intsAttribute(smaller));
  }
}

/**
 * Returns the shape with a smaller element, as a new constant: exporters share equal shapes between layers.
 */
function withSmallerElement(shape: Value, element: number, decrease: number, shapeOf: ShapeOf): Value {
  const { graph } = shape;
  const sizes = constantInts(shape);
  if (sizes) {
    const smaller = sizes.map((size, i) => (i === element ? size - decrease : size));
    const isScalar = shapeOf(shape)?.length === 0;
    const elemType = constantTensor(shape)?.dataType ?? DataType.INT64;
    const dims = isScalar ? [] : [smaller.length];
    return graph.addInitializer(makeTensor(`${shape.name}_pruned`, elemType, dims, smaller));
  }
  const part = concatPart(shape, element, shapeOf);
  if (!part) throw new Error(`the size at ${shape.name}[${element}] is computed`);
  const { concat } = part;
  const inputs = concat.inputs.map((value, i) =>
    i === part.index && value ? withSmallerElement(value, part.element, decrease, shapeOf) : value,
  );
  const attributes = { axis: intAttribute(0) };
  return graph.addNode({ opType: 'Concat', inputs, name: `${concat.name}_pruned`, attributes }).output;
}
