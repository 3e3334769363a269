import { DataType } from '../onnx/data-types.js';
import { rawTensor } from '../onnx/make-tensor.js';
import { graphAttribute, intAttribute, intsAttribute } from './attributes.js';
import { type Attribute, Graph, type Value } from './graph.js';
import type { Model } from './model.js';

/**
 * Adds nodes to a graph, in the spelling of the model's opset. Every method returns the new value. Operations
 * that need more than one node in an old opset are functions of `spelling.ts`.
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
   * Runs `body` `trips` (int64, scalar) times. The body gets the iteration's number (int64, scalar) and the
   * values that the iteration before carried on, and returns the values that it carries on itself. It may
   * read values of the graphs around it.
   *
   * @param listed Number of further values that the body returns: each becomes a list over the iterations.
   */
  loop(
    trips: Value,
    initial: Value[],
    body: (b: Builder, iteration: Value, carried: Value[]) => Value[],
    listed = 0,
  ): Value[] {
    const name = `${this.prefix}Loop`;
    const outputs = Array.from({ length: initial.length + listed }, (_, i) => `${name}_${i}`);
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
