/**
 * Operations that opsets spell in different ways, from opset 7 on. The opset of a model is never raised for
 * them: that would change the meaning of the model's own nodes. Where an old opset lacks an operator, it is
 * composed of others, or is ONNX Runtime's own, which works at every opset of the model and without an import
 * of its domain.
 */
import { DataType } from '../onnx/data-types.js';
import { intAttribute, intsAttribute } from './attributes.js';
import type { Builder } from './builder.js';
import type { Value } from './graph.js';

const RUNTIME_DOMAIN = 'com.microsoft';

/**
 * [..., last] as [rows, last]. `Flatten` takes a negative axis from opset 11 on.
 *
 * @param last Size of the last axis, if it is known.
 */
export function rowsOf(b: Builder, value: Value, last: number | null): Value {
  if (b.opset >= 11) return b.op('Flatten', [value], { axis: intAttribute(-1) });
  if (last !== null) return b.op('Reshape', [value, b.ints([-1, last])]);
  const shape = b.op('Concat', [b.ints([-1]), lastSize(b, value)], { axis: intAttribute(0) });
  return b.op('Reshape', [value, shape]);
}

/** int64 [1]; before opset 10 the limits of `Slice` are attributes. */
function lastSize(b: Builder, value: Value): Value {
  const shape = b.op('Shape', [value]);
  if (b.opset >= 10) return slice(b, shape, b.ints([-1]), b.ints([BEYOND_ANY_END]), 0);
  return b.op('Slice', [shape], { starts: intsAttribute([-1]), ends: intsAttribute([BEYOND_ANY_END]) });
}

const BEYOND_ANY_END = 2 ** 31 - 1;

/** [from, to) along an axis; both limits are int64 [1]. An end beyond the last is the last. */
export function slice(b: Builder, value: Value, start: Value, end: Value, axis: number): Value {
  if (b.opset >= 10) return b.op('Slice', [value, start, end, b.ints([axis])]);
  const [first, stop] = [start, end].map((limit) => b.op('Squeeze', [limit]));
  const indices = range(b, first!, smaller(b, stop!, b.sizeOf(value, axis)));
  return b.op('Gather', [value, indices], { axis: intAttribute(axis) });
}

/** The smaller of two int64 scalars. `Min` and `Max` take integers from opset 12 on. */
export function smaller(b: Builder, x: Value, y: Value): Value {
  return b.opset >= 12 ? b.op('Min', [x, y]) : chosen(b, isLess(b, x, y), x, y);
}

/** The larger of two int64 scalars. */
export function larger(b: Builder, x: Value, y: Value): Value {
  return b.opset >= 12 ? b.op('Max', [x, y]) : chosen(b, isLess(b, x, y), y, x);
}

/** 1 if x < y, else 0: int64. `Less` takes integers from opset 9 on. */
function isLess(b: Builder, x: Value, y: Value): Value {
  const [left, right] = [x, y].map((value) => b.cast(value, DataType.DOUBLE));
  return b.cast(b.op('Less', [left!, right!]), DataType.INT64);
}

/** `x` where the condition is 1, `y` where it is 0; all int64. */
function chosen(b: Builder, condition: Value, x: Value, y: Value): Value {
  return b.op('Add', [y, b.op('Mul', [condition, b.op('Sub', [x, y])])]);
}

/** start, start + 1, …, end − 1, int64. The standard operator came with opset 11. */
export function range(b: Builder, start: Value, end: Value): Value {
  const domain = b.opset >= 11 ? '' : RUNTIME_DOMAIN;
  return b.op('Range', [start, end, b.int(1)], {}, domain);
}

/** Sums of the first 1, 2, … numbers of an int64 list. `CumSum` came with opset 11. */
export function cumulativeSums(b: Builder, list: Value): Value {
  if (b.opset >= 11) return b.op('CumSum', [list, b.int(0)]);
  const add = (inside: Builder, iteration: Value, [before]: Value[]): Value[] => {
    const sum = inside.op('Add', [before!, inside.op('Gather', [list, iteration])]);
    return [sum, inside.op('Identity', [sum])];
  };
  return b.loop(b.sizeOf(list, 0), [b.int(0)], add, 1)[1]!;
}

/**
 * `value` where the condition holds, else a number; both are float32, and the condition broadcasts to
 * `value`. `Where` came with opset 9. Before, elements are gathered from a list that ends with the number: a
 * product with 0 or 1 would keep NaN.
 */
export function where(b: Builder, condition: Value, value: Value, otherwise: number): Value {
  if (b.opset >= 9) return b.op('Where', [condition, value, b.float(otherwise)]);
  const never = b.op('Less', [value, value]);
  const holds = b.cast(b.flat(b.op('Or', [condition, never])), DataType.INT64);
  const count = b.op('Size', [value]);
  const index = chosen(b, holds, range(b, b.int(0), count), count);
  const list = [b.flat(value), b.unsqueeze(b.float(otherwise), 0)];
  const gathered = b.op('Gather', [b.op('Concat', list, { axis: intAttribute(0) }), index]);
  return b.op('Reshape', [gathered, b.op('Shape', [value])]);
}

/** True where a float64 is zero. NaN counts as zero before opset 11, which compares integers alone. */
export function isZero(b: Builder, value: Value): Value {
  if (b.opset >= 11) return b.op('Equal', [value, b.double(0)]);
  return b.op('Not', [b.op('Greater', [b.op('Abs', [value]), b.double(0)])]);
}

/** uint8(round(value / scale) + zero point), saturating. The standard operator came with opset 10. */
export function quantize(b: Builder, value: Value, scale: Value, zeroPoint: Value): Value {
  const domain = b.opset >= 10 ? '' : RUNTIME_DOMAIN;
  return b.op('QuantizeLinear', [value, scale, zeroPoint], {}, domain);
}
