import { intAttribute, intsAttribute } from '../graph/attributes.js';
import type { Graph } from '../graph/graph.js';
import type { Attribute } from '../graph/node.js';
import type { Value } from '../graph/value.js';
import { DataType } from '../onnx/data-types.js';
import { rawTensor } from '../onnx/make-tensor.js';

/** Adds standard nodes to a graph in the spelling of the model's opset. Every method returns the new value. */
export class Builder {
  readonly #constants = new Map<string, Value>();

  constructor(
    readonly graph: Graph,
    readonly opset: number,
    /** Prefix of all names this builder makes. */
    readonly prefix: string,
  ) {}

  op(opType: string, inputs: (Value | null)[], attributes: Record<string, Attribute> = {}): Value {
    const name = `${this.prefix}${opType}`;
    return this.graph.addNode({ opType, inputs, name, outputs: [`${name}_0`], attributes }).output;
  }

  /** Reduces `axes`, keeping them as 1; axes moved from attribute to input in opset 13 (ReduceSum) and 18 (the others). */
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

  /** A float32 scalar constant; the same number is stored once. */
  float(number: number): Value {
    return this.#constant(`f${number}`, DataType.FLOAT, [], new Float32Array([number]));
  }

  /** A one-dimensional int64 constant. */
  ints(numbers: number[]): Value {
    const data = new BigInt64Array(numbers.map(BigInt));
    return this.#constant(`i${numbers.join(',')}`, DataType.INT64, [numbers.length], data);
  }

  #constant(key: string, dataType: number, dims: number[], data: Float32Array | BigInt64Array): Value {
    const known = this.#constants.get(key);
    if (known) return known;
    const tensor = rawTensor(`${this.prefix}const`, dataType, dims, new Uint8Array(data.buffer));
    const value = this.graph.addInitializer(tensor);
    this.#constants.set(key, value);
    return value;
  }
}
