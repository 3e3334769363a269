import { describe, expect, test } from 'vitest';
import { DataType } from '../../src/onnx/data-types.js';
import { elementBits, elementRange, setElement } from '../../src/onnx/elements.js';
import { rawTensor } from '../../src/onnx/make-tensor.js';
import { readElements } from '../../src/onnx/tensors.js';

const someBytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 24);

describe('setting an element', () => {
  test.each([
    ['uint4', DataType.UINT4, 15],
    ['int4', DataType.INT4, -8],
    ['uint2', DataType.UINT2, 3],
    ['int8', DataType.INT8, -128],
    ['uint8', DataType.UINT8, 200],
    ['uint16', DataType.UINT16, 40_000],
    ['int16', DataType.INT16, -2],
    ['float16', DataType.FLOAT16, 0],
    ['bfloat16', DataType.BFLOAT16, 0],
    ['float32', DataType.FLOAT, 0],
    ['float64', DataType.DOUBLE, 0],
  ])('of %s changes it and no other', (_name, dataType, code) => {
    const bits = elementBits(dataType)!;
    for (let element = 0; element < 9; element++) {
      const bytes = someBytes(Math.ceil((9 * bits) / 8));
      const read = (): number[] =>
        Array.from(readElements(rawTensor('w', dataType, [9], bytes), { start: 0, end: 9 }));
      const before = read();
      setElement(bytes, bits, element, code);
      const after = read();
      expect(after[element]).toBe(code);
      expect(after.filter((_, i) => i !== element)).toEqual(before.filter((_, i) => i !== element));
    }
  });

  test('covers the bytes that its range says', () => {
    expect(elementRange(32, 3)).toEqual({ start: 12, end: 16 });
    expect(elementRange(4, 3)).toEqual({ start: 1, end: 2 });
    expect(elementRange(2, 4)).toEqual({ start: 1, end: 2 });
  });
});
