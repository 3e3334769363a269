import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataType } from '../../src/onnx/data-types.js';
import { f32ToF16 } from '../../src/onnx/floats.js';
import { makeTensor, rawTensor } from '../../src/onnx/make-tensor.js';
import { readElements, readNumbers, tensorBytes } from '../../src/onnx/tensors.js';
import type { TensorProto } from '../../src/onnx/types.js';
import { tensor } from '../build.js';
import { emptyTensor } from './messages.js';

const typed = (dataType: number, count: number, data: Partial<TensorProto>): TensorProto => ({
  ...emptyTensor,
  name: 't',
  dataType,
  dims: [BigInt(count)],
  ...data,
});
const bf16 = (value: number) => new Uint16Array(Float32Array.of(value).buffer)[1]!;
const numbers = (one: TensorProto) => Array.from(readNumbers(one));
const raw = (dataType: number, count: number, ...bytes: number[]) =>
  rawTensor('t', dataType, [count], Uint8Array.from(bytes));

/** The same tensor with its bytes at an odd place of a file. */
function onDisk(one: TensorProto): TensorProto {
  const bytes = tensorBytes(one);
  const file = join(mkdtempSync(join(tmpdir(), 'audit-tensors-')), 'data');
  writeFileSync(file, Buffer.concat([Buffer.alloc(7, 255), bytes, Buffer.alloc(3, 255)]));
  const { rawData: _, ...rest } = one;
  return { ...rest, span: { file, startBytes: 7, endBytes: 7 + bytes.length } };
}

const D = DataType;

describe('readNumbers', () => {
  it.each<[string, TensorProto, number[]]>([
    ['float_data', typed(D.FLOAT, 2, { floatData: [1.5, -2] }), [1.5, -2]],
    ['double_data', typed(D.DOUBLE, 2, { doubleData: [0.1, -2] }), [0.1, -2]],
    ['int32_data', typed(D.INT32, 2, { int32Data: [7, -8] }), [7, -8]],
    ['int8 in int32_data', typed(D.INT8, 2, { int32Data: [127, -128] }), [127, -128]],
    ['uint8 in int32_data', typed(D.UINT8, 2, { int32Data: [0, 255] }), [0, 255]],
    ['bool in int32_data', typed(D.BOOL, 2, { int32Data: [0, 1] }), [0, 1]],
    ['int16 in int32_data', typed(D.INT16, 1, { int32Data: [-300] }), [-300]],
    ['uint16 in int32_data', typed(D.UINT16, 1, { int32Data: [65535] }), [65535]],
    [
      'float16 bits in int32_data',
      typed(D.FLOAT16, 2, { int32Data: [f32ToF16(0.5), f32ToF16(-3)] }),
      [0.5, -3],
    ],
    ['bfloat16 bits in int32_data', typed(D.BFLOAT16, 1, { int32Data: [bf16(-1.5)] }), [-1.5]],
    ['int4 pairs in int32_data', typed(D.INT4, 3, { int32Data: [0x81, 0x0f] }), [1, -8, -1]],
    ['int64_data', typed(D.INT64, 2, { int64Data: [-1n, 2n ** 40n] }), [-1, 2 ** 40]],
    ['uint64_data', typed(D.UINT64, 1, { uint64Data: [2n ** 63n] }), [2 ** 63]],
    ['uint32 in uint64_data', typed(D.UINT32, 1, { uint64Data: [2n ** 32n - 1n] }), [2 ** 32 - 1]],
    ['raw float16', raw(D.FLOAT16, 2, 0x00, 0x3c, 0x00, 0xc0), [1, -2]],
    ['raw bfloat16', raw(D.BFLOAT16, 1, 0x80, 0x3f), [1]],
    ['raw int4', raw(D.INT4, 3, 0x71, 0x08), [1, 7, -8]],
    ['raw uint4', raw(D.UINT4, 3, 0xf1, 0x08), [1, 15, 8]],
    ['raw int2', raw(D.INT2, 4, 0b11_10_01_00), [0, 1, -2, -1]],
    ['raw uint2', raw(D.UINT2, 3, 0b00_10_01_11), [3, 1, 2]],
    ['raw float4', raw(D.FLOAT4E2M1, 2, 0xf1), [0.5, -6]],
    ['raw float8', raw(D.FLOAT8E4M3FN, 2, 0x38, 0xb8), [1, -1]],
    ['raw float8 scales', raw(D.FLOAT8E8M0, 2, 127, 130), [1, 8]],
    ['raw bool', raw(D.BOOL, 3, 0, 1, 2), [0, 1, 1]],
  ])('reads %s', (_, one, expected) => {
    expect(numbers(one)).toEqual(expected);
    expect(numbers(onDisk(one))).toEqual(expected);
    expect(Array.from(readElements(one, { start: 1, end: expected.length }))).toEqual(expected.slice(1));
    expect(Array.from(readElements(onDisk(one), { start: 1, end: expected.length }))).toEqual(
      expected.slice(1),
    );
    expect(Array.from(readElements(onDisk(one), [expected.length - 1, 0]))).toEqual([
      expected.at(-1),
      expected[0],
    ]);
  });

  it('reads a scalar, and an empty tensor', () => {
    expect(numbers(tensor('float32', [], 3))).toEqual([3]);
    expect(numbers(tensor('int64', [0, 4], []))).toEqual([]);
  });

  it('refuses strings and complex numbers by name', () => {
    expect(() => readNumbers(typed(D.STRING, 1, { stringData: [new Uint8Array(1)] }))).toThrow(/string/);
    expect(() => readNumbers(raw(D.COMPLEX64, 1, 0, 0, 0, 0, 0, 0, 0, 0))).toThrow(/complex64/);
  });

  it('reads back what makeTensor writes', () => {
    for (const type of [D.FLOAT, D.DOUBLE, D.FLOAT16, D.BFLOAT16, D.INT8, D.INT16, D.INT32, D.INT64]) {
      expect(numbers(makeTensor('t', type, [2, 2], [0, 1, -2, 64]))).toEqual([0, 1, -2, 64]);
    }
  });
});

describe('readElements', () => {
  const count = 20_000;
  const stored = onDisk(
    makeTensor(
      't',
      D.FLOAT,
      [count],
      Float32Array.from({ length: count }, (_, i) => i),
    ),
  );

  it('gives the elements at any indices in their order, repeated ones too', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(count - 1), { maxLength: 30 }), (indices) => {
        expect(Array.from(readElements(stored, indices))).toEqual(indices);
      }),
      { numRuns: 50 },
    );
  });

  it('gives any range, the ends included', () => {
    expect(Array.from(readElements(stored, { start: count - 1, end: count }))).toEqual([count - 1]);
    expect(readElements(stored, { start: 5, end: 5 })).toHaveLength(0);
    expect(readElements(stored, { start: 0, end: count })).toHaveLength(count);
  });

  it('refuses what lies outside the tensor', () => {
    expect(() => readElements(stored, [count])).toThrow(RangeError);
    expect(() => readElements(stored, [-1])).toThrow(RangeError);
    expect(() => readElements(stored, [0.5])).toThrow(RangeError);
    expect(() => readElements(stored, { start: 0, end: count + 1 })).toThrow(RangeError);
  });
});
