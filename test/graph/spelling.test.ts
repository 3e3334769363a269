import { describe, expect, it } from 'vitest';
import { Builder } from '../../src/graph/builder.js';
import type { Value } from '../../src/graph/graph.js';
import {
  cumulativeSums,
  isZero,
  larger,
  quantize,
  range,
  rowsOf,
  slice,
  smaller,
  where,
} from '../../src/graph/spelling.js';
import { toOnnx } from '../../src/graph/to-onnx.js';
import type { NdArray } from '../../src/onnx/array.js';
import { DataType } from '../../src/onnx/data-types.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { openSession } from '../../src/runtime/session.js';
import { buildGraphModel } from '../build.js';

/** [2, 2, 3]. */
const numbers = [1, Number.NaN, 3, -Infinity, 5, 6, 7, 8, Infinity, 10, 11, 12];
const x: NdArray = { type: 'float32', dims: [2, 2, 3], data: Float32Array.from(numbers) };

/** Outputs of a graph of this opset, numbers by name. */
async function outputs(
  opset: number,
  build: (b: Builder, x: Value) => Record<string, Value>,
): Promise<Record<string, { dims: number[]; data: number[] }>> {
  const model = buildGraphModel({
    opset,
    irVersion: 4,
    inputs: { x: ['float32', ['a', 'b', 'c']] },
    nodes: [],
    outputs: [],
  });
  const values = build(Builder.of(model, 'audit/'), model.graph.inputs[0]!);
  for (const value of Object.values(values)) model.graph.addOutput(value);
  const bytes = encodeModel(toOnnx(model));
  const session = await openSession({ model: bytes, folder: '.', device: 'cpu', threads: 1 });
  const fetch = Object.values(values).map(({ name }) => name);
  const results = await session.run({ feeds: { x }, fetch });
  await session.dispose();
  return Object.fromEntries(
    Object.entries(values).map(([key, { name }]) => {
      const { dims, data } = results[name]!;
      return [key, { dims, data: Array.from(data as Float32Array, Number) }];
    }),
  );
}

const list = (...data: number[]) => ({ dims: [data.length], data });

describe.each([7, 8, 9, 10, 11, 12, 13, 18])('in opset %d', (opset) => {
  it('the same operations give the same numbers', async () => {
    const found = await outputs(opset, (b, x) => {
      const flat = b.flat(x);
      const finite = b.op('Less', [b.op('Abs', [flat]), b.float(Infinity)]);
      const firstRow = b.op('Less', [perBatch(b, [0, 1]), b.float(1)]);
      const filled = where(b, finite, flat, 0);
      return {
        rows: rowsOf(b, x, 3),
        rowsOfUnknownLength: rowsOf(b, x, null),
        slice: slice(b, flat, b.ints([6]), b.ints([8]), 0),
        sliceBeyondTheEnd: slice(b, x, b.ints([2]), b.ints([9]), 2),
        smaller: b.unsqueeze(smaller(b, b.int(7), b.int(-2)), 0),
        larger: b.unsqueeze(larger(b, b.int(7), b.int(-2)), 0),
        range: range(b, b.int(2), b.int(6)),
        emptyRange: range(b, b.int(2), b.int(2)),
        sums: cumulativeSums(b, b.ints([3, 0, -1, 5])),
        where: filled,
        whereOfRows: where(b, firstRow, x, 0),
        isZero: b.cast(isZero(b, b.cast(filled, DataType.DOUBLE)), DataType.INT64),
        bins: quantize(b, filled, b.float(2), b.cast(b.int(10), DataType.UINT8)),
        max: b.reduce('ReduceMax', filled, [0]),
        sum: b.reduce('ReduceSum', filled, [0]),
      };
    });
    expect(found).toEqual({
      rows: { dims: [4, 3], data: numbers },
      rowsOfUnknownLength: { dims: [4, 3], data: numbers },
      slice: list(7, 8),
      sliceBeyondTheEnd: { dims: [2, 2, 1], data: [3, 6, Infinity, 12] },
      smaller: list(-2),
      larger: list(7),
      range: list(2, 3, 4, 5),
      emptyRange: list(),
      sums: list(3, 3, 2, 7),
      where: list(1, 0, 3, 0, 5, 6, 7, 8, 0, 10, 11, 12),
      whereOfRows: { dims: [2, 2, 3], data: [...numbers.slice(0, 6), 0, 0, 0, 0, 0, 0] },
      isZero: list(0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0),
      // Half to even: 1/2 → 0, 3/2 → 2, 5/2 → 2, 7/2 → 4, 11/2 → 6.
      bins: list(10, 10, 12, 10, 12, 13, 14, 14, 10, 15, 16, 16),
      max: list(12),
      sum: list(63),
    });
  });
});

/** Two float32 numbers as [2, 1, 1]. */
function perBatch(b: Builder, pair: [number, number]): Value {
  return b.op('Reshape', [b.cast(b.ints(pair), DataType.FLOAT), b.ints([2, 1, 1])]);
}
