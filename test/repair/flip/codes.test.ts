import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataType, dataTypeName } from '../../../src/onnx/data-types.js';
import { rawTensor } from '../../../src/onnx/make-tensor.js';
import { readNumbers } from '../../../src/onnx/tensors.js';
import { negated } from '../../../src/repair/flip/codes.js';

const widths: Record<number, number> = {
  [DataType.FLOAT]: 4,
  [DataType.DOUBLE]: 8,
  [DataType.FLOAT16]: 2,
  [DataType.BFLOAT16]: 2,
  [DataType.FLOAT8E4M3FN]: 1,
  [DataType.FLOAT8E5M2]: 1,
  [DataType.INT8]: 1,
  [DataType.UINT8]: 1,
  [DataType.INT16]: 2,
  [DataType.UINT16]: 2,
  [DataType.INT32]: 4,
};
const types = Object.keys(widths).map(Number);

const read = (type: number, bytes: Uint8Array) =>
  readNumbers(rawTensor('t', type, [bytes.length / widths[type]!], bytes));

describe('negated bytes', () => {
  it.each(types.map((type) => [dataTypeName(type), type] as const))(
    'of %s mean the mirrored numbers, whatever the bits, and negated again are the old bytes',
    (_name, type) => {
      const anyBytes = fc
        .array(fc.uint8Array({ minLength: widths[type]!, maxLength: widths[type]! }), { maxLength: 20 })
        .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));
      const zero = type === DataType.UINT8 ? 128 : type === DataType.UINT16 ? 32_768 : 0;
      fc.assert(
        fc.property(anyBytes, (bytes) => {
          const kept = Uint8Array.from(bytes);
          const result = negated(bytes, type, () => zero);
          expect(bytes).toEqual(kept);
          const before = [...read(type, bytes)];
          if ('reason' in result) {
            // The one number without a mirror.
            expect(result.reason).toMatch(/^holds (-128|-32768|-2147483648|0),/);
            return;
          }
          const after = [...read(type, result.bytes)];
          expect(after.map((x) => x + 0)).toEqual(before.map((x) => 2 * zero - x + 0));
          expect(negated(result.bytes, type, () => zero)).toEqual({ bytes: kept });
        }),
      );
    },
  );

  it('are refused for types whose numbers have no sign of their own', () => {
    expect(negated(new Uint8Array(4), DataType.INT4, () => 0)).toEqual({
      reason: 'is of type int4, whose numbers are not negated one by one',
    });
    expect(negated(new Uint8Array(4), DataType.FLOAT8E4M3FNUZ, () => 0)).toHaveProperty('reason');
  });

  it('mirror each element about its own zero point', () => {
    const codes = Uint8Array.of(1, 2, 3, 4);
    expect(negated(codes, DataType.UINT8, (i) => [10, 20][i % 2]!)).toEqual({
      bytes: Uint8Array.of(19, 38, 17, 36),
    });
  });
});
