import { describe, expect, it } from 'vitest';
import { DataType } from '../../src/onnx/data-types.js';
import { rawTensor } from '../../src/onnx/make-tensor.js';
import { denseTensor } from '../../src/onnx/sparse.js';
import { readElements, readNumbers } from '../../src/onnx/tensors.js';
import { tensor } from '../build.js';

describe('a sparse tensor made dense', () => {
  const values = tensor('float32', [2], [5, 7], 's');
  const linear = { values, indices: tensor('int64', [2], [1, 5]), dims: [2n, 3n], unknown: [] };
  const numbers = (sparse: typeof linear) => Array.from(readNumbers(denseTensor(sparse)!));

  it('has its values where linear and coordinate indices say', () => {
    expect(denseTensor(linear)).toMatchObject({ name: 's', dims: [2n, 3n] });
    expect(numbers(linear)).toEqual([0, 5, 0, 0, 0, 7]);
    expect(numbers({ ...linear, indices: tensor('int64', [2, 2], [0, 1, 1, 2]) })).toEqual([
      0, 5, 0, 0, 0, 7,
    ]);
    expect(Array.from(readElements(denseTensor(linear)!, [5, 0]))).toEqual([7, 0]);
  });

  it.each([
    ['float64', DataType.DOUBLE, new Uint8Array(new Float64Array([0.1, -2]).buffer), [0, 0.1, 0, 0, 0, -2]],
    ['int4', DataType.INT4, Uint8Array.of(0xf3), [0, 3, 0, 0, 0, -1]],
    ['float16', DataType.FLOAT16, Uint8Array.of(0, 0x3c, 0, 0xc0), [0, 1, 0, 0, 0, -2]],
  ])('keeps the bits of %s', (_, dataType, bytes, expected) => {
    expect(numbers({ ...linear, values: rawTensor('s', dataType, [2], bytes) })).toEqual(expected);
  });

  it('is made when its numbers are read, once', () => {
    let reads = 0;
    const counted = Object.defineProperty({ ...values }, 'rawData', {
      get: () => {
        reads++;
        return values.rawData;
      },
    });
    const dense = denseTensor({ ...linear, values: counted })!;
    expect(reads).toBe(0);
    readNumbers(dense);
    const once = reads;
    readNumbers(dense);
    expect(reads).toBe(once);
  });

  it('refuses an index outside, and is none of a size nobody could expand, or of strings', () => {
    expect(() => numbers({ ...linear, indices: tensor('int64', [2], [1, 6]) })).toThrow(
      /to lie below 6, found 6/,
    );
    expect(() => numbers({ ...linear, indices: tensor('int64', [2], [1, -1]) })).toThrow(/found -1/);
    expect(denseTensor({ ...linear, dims: [2n ** 40n] })).toBeNull();
    expect(denseTensor({ ...linear, values: { ...values, dataType: DataType.STRING } })).toBeNull();
    expect(() => denseTensor({ ...linear, dims: [-1n] })).toThrow(/negative dimension/);
  });
});
