import { DataType } from '../onnx/data-types.js';
import { rawTensor } from '../onnx/make-tensor.js';
import { graphAttribute, intAttribute, intsAttribute } from './attributes.js';
import { type Attribute, Graph, type Value } from './graph.js';
import type { Model } from './model.js';

/**
 * ONNX Runtime's own domain. It knows these operators at every opset of the model, and needs no import of the
 * domain.
 */
const RUNTIME_DOMAIN = 'com.microsoft';

/**
 * Adds standard nodes to a graph in the spelling of the model's opset, from opset 7 on, the oldest that ONNX
 * Runtime supports. The opset of the model is never raised, since that would change the meaning of its own
 * nodes. Every method returns the new value.
 */
export class Builder {
  readonly #constants = new Map<string, Value>();

  constructor(
    readonly graph: Graph,
    readonly opset: number,
    /** Start of all names that this builder makes. */
    readonly prefix: string,
  ) {}

  /** Returns a builder for the main graph of a model. */
  static of({ graph, opsets }: Model, prefix: string): Builder {
    return new Builder(graph, opsets.get('') ?? 1, prefix);
  }

  op(
    opType: string,
    inputs: (Value | null)[],
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): Value {
    const name = `${this.prefix}${opType}`;
    const outputs = [`${name}_0`];
    return this.graph.addNode({ opType, domain, inputs, name, outputs, attributes }).output;
  }

  /**
   * Reduces `axes`, keeping them as 1; axes moved from attribute to input in opset 13 (ReduceSum) and 18 (the
   * others).
   */
  reduce(opType: 'ReduceSum' | 'ReduceMin' | 'ReduceMax', value: Value, axes: number[]): Value {
    const asInput = this.opset >= (opType === 'ReduceSum' ? 13 : 18);
    return asInput
      ? this.op(opType, [value, this.ints(axes)], { keepdims: intAttribute(1) })
      : this.op(opType, [value], { keepdims: intAttribute(1), axes: intsAttribute(axes) });
  }

  /** Inserts an axis; axes moved from attribute to input in opset 13. */
  unsqueeze(value: Value, axis: number): Value {
    return this.opset >= 13
      ? this.op('Unsqueeze', [value, this.ints([axis])])
      : this.op('Unsqueeze', [value], { axes: intsAttribute([axis]) });
  }

  cast(value: Value, to: number): Value {
    return this.op('Cast', [value], { to: intAttribute(to) });
  }

  /** Size of an axis, int64 scalar. */
  sizeOf(value: Value, axis: number): Value {
    return this.op('Gather', [this.op('Shape', [value]), this.int(axis)]);
  }

  /** All elements in one axis. */
  flat(value: Value): Value {
    return this.op('Reshape', [value, this.ints([-1])]);
  }

  /**
   * [..., last] as [rows, last]. `Flatten` takes a negative axis from opset 11 on.
   *
   * @param last Size of the last axis, where it is known.
   */
  rows(value: Value, last: number | null): Value {
    if (this.opset >= 11) return this.op('Flatten', [value], { axis: intAttribute(-1) });
    if (last !== null) return this.op('Reshape', [value, this.ints([-1, last])]);
    const size = this.#lastSize(value);
    return this.op('Reshape', [value, this.op('Concat', [this.ints([-1]), size], { axis: intAttribute(0) })]);
  }

  /** int64 [1]; before opset 10 the limits of `Slice` are attributes. */
  #lastSize(value: Value): Value {
    const shape = this.op('Shape', [value]);
    if (this.opset >= 10) return this.slice(shape, this.ints([-1]), this.ints([2 ** 31 - 1]), 0);
    return this.op('Slice', [shape], { starts: intsAttribute([-1]), ends: intsAttribute([2 ** 31 - 1]) });
  }

  /** [from, to) along an axis; both limits are int64 [1]. An end beyond the last is the last. */
  slice(value: Value, start: Value, end: Value, axis: number): Value {
    if (this.opset >= 10) return this.op('Slice', [value, start, end, this.ints([axis])]);
    const [first, stop] = [start, end].map((limit) => this.op('Squeeze', [limit]));
    const indices = this.#range(first!, this.#smaller(stop!, this.sizeOf(value, axis)));
    return this.op('Gather', [value, indices], { axis: intAttribute(axis) });
  }

  /** The smaller of two int64 scalars: `Min` takes no integers before opset 12. */
  #smaller(a: Value, b: Value): Value {
    const [x, y] = [a, b].map((value) => this.cast(value, DataType.DOUBLE));
    const isFirst = this.cast(this.op('Less', [x!, y!]), DataType.INT64);
    return this.op('Add', [b, this.op('Mul', [isFirst, this.op('Sub', [a, b])])]);
  }

  /** start, start + 1, …, end − 1, int64. The standard `Range` came with opset 11. */
  #range(start: Value, end: Value): Value {
    return this.op('Range', [start, end, this.int(1)], {}, RUNTIME_DOMAIN);
  }

  /**
   * `value` where the condition holds, else a number; both are float32, and the condition broadcasts to
   * `value`. `Where` came with opset 9. Before, elements are gathered from a list that ends with the number:
   * a product with 0 or 1 would keep NaN.
   */
  where(condition: Value, value: Value, otherwise: number): Value {
    if (this.opset >= 9) return this.op('Where', [condition, value, this.float(otherwise)]);
    const never = this.op('Less', [value, value]);
    const holds = this.cast(this.flat(this.op('Or', [condition, never])), DataType.INT64);
    const count = this.op('Size', [value]);
    const places = this.#range(this.int(0), count);
    const index = this.op('Add', [count, this.op('Mul', [holds, this.op('Sub', [places, count])])]);
    const list = [this.flat(value), this.unsqueeze(this.float(otherwise), 0)];
    const chosen = this.op('Gather', [this.op('Concat', list, { axis: intAttribute(0) }), index]);
    return this.op('Reshape', [chosen, this.op('Shape', [value])]);
  }

  /** True where a float64 is zero. NaN counts as zero before opset 11, which compares integers alone. */
  isZero(value: Value): Value {
    if (this.opset >= 11) return this.op('Equal', [value, this.double(0)]);
    return this.op('Not', [this.op('Greater', [this.op('Abs', [value]), this.double(0)])]);
  }

  /** uint8(round(value / scale) + zero point), saturating. The standard operator came with opset 10. */
  quantize(value: Value, scale: Value, zeroPoint: Value): Value {
    const domain = this.opset >= 10 ? '' : RUNTIME_DOMAIN;
    return this.op('QuantizeLinear', [value, scale, zeroPoint], {}, domain);
  }

  /**
   * Runs `body` `trips` (int64, scalar) times. The body gets the iteration's number (int64, scalar) and the
   * values that the iteration before carried on, and returns the values that it carries on itself. It may
   * read values of the graphs around it.
   */
  loop(
    trips: Value,
    initial: Value[],
    body: (b: Builder, iteration: Value, carried: Value[]) => Value[],
  ): Value[] {
    const name = `${this.prefix}Loop`;
    const outputs = initial.map((_, i) => `${name}_${i}`);
    const node = this.graph.addNode({ opType: 'Loop', inputs: [trips, null, ...initial], name, outputs });
    const graph = new Graph(`${name}_body`, node);
    const iteration = graph.addInput(`${name}_iteration`, { elemType: DataType.INT64, shape: [] });
    const going = graph.addInput(`${name}_going`, { elemType: DataType.BOOL, shape: [] });
    const carried = initial.map((value, i) => graph.addInput(`${name}_carried_${i}`, value.type));
    const inside = new Builder(graph, this.opset, `${name}/`);
    const results = body(inside, iteration, carried);
    for (const value of [inside.op('Identity', [going]), ...results]) graph.addOutput(value);
    node.attributes.set('body', graphAttribute(graph));
    return node.outputs.map((output) => output!);
  }

  /** A float32 scalar. All constants of a builder with the same numbers are one initializer. */
  float(number: number): Value {
    return this.#constant(`f${number}`, DataType.FLOAT, [], new Float32Array([number]));
  }

  /** A float64 scalar. */
  double(number: number): Value {
    return this.#constant(`d${number}`, DataType.DOUBLE, [], new Float64Array([number]));
  }

  /** Zeros of a shape, float64. */
  zeros(dims: number[]): Value {
    const data = new Float64Array(dims.reduce((product, size) => product * size, 1));
    return this.#constant(`z${dims.join(',')}`, DataType.DOUBLE, dims, data);
  }

  /** An int64 scalar. */
  int(number: number): Value {
    return this.#constant(`n${number}`, DataType.INT64, [], new BigInt64Array([BigInt(number)]));
  }

  /** An int64 list. */
  ints(numbers: number[]): Value {
    const data = new BigInt64Array(numbers.map(BigInt));
    return this.#constant(`i${numbers.join(',')}`, DataType.INT64, [numbers.length], data);
  }

  #constant(
    key: string,
    dataType: number,
    dims: number[],
    data: Float32Array | Float64Array | BigInt64Array,
  ): Value {
    const known = this.#constants.get(key);
    if (known) return known;
    const tensor = rawTensor(`${this.prefix}const`, dataType, dims, new Uint8Array(data.buffer));
    const value = this.graph.addInitializer(tensor);
    this.#constants.set(key, value);
    return value;
  }
}
