import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bf16ToF32, f8ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/onnx/floats.js';

const patterns = Array.from({ length: 65536 }, (_, bits) => bits);

describe('float16', () => {
  it('keeps every bit pattern there and back, and any NaN a NaN', () => {
    for (const bits of patterns) {
      const value = f16ToF32(bits);
      if (Number.isNaN(value)) expect(f16ToF32(f32ToF16(value))).toBeNaN();
      else if (f32ToF16(value) !== bits) throw new Error(`0x${bits.toString(16)} became ${f32ToF16(value)}`);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    const finite = patterns.filter((bits) => bits < 0x7c00).map(f16ToF32);
    fc.assert(
      fc.property(fc.nat(finite.length - 2), fc.double({ min: 0, max: 1, noNaN: true }), (i, share) => {
        const [low, high] = [finite[i]!, finite[i + 1]!];
        const value = Math.fround(low + (high - low) * share);
        const got = f16ToF32(f32ToF16(value));
        const toLow = value - low;
        const toHigh = high - value;
        expect(got).toBe(toLow < toHigh || (toLow === toHigh && i % 2 === 0) ? low : high);
        expect(f32ToF16(-value)).toBe(f32ToF16(value) | 0x8000);
      }),
    );
  });

  it.each([
    [65504, 0x7bff],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [1e9, 0x7c00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [1.5 * 2 ** -25, 1],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [3 * 2 ** -25, 2],
    [2 ** -14, 0x400],
    [-0, 0x8000],
    [Math.SQRT2, 0x3da8],
  ])('of %d is 0x%s', (value, bits) => {
    expect(f32ToF16(value)).toBe(bits);
  });
});

describe('bfloat16', () => {
  it('keeps every bit pattern there and back, and any NaN a NaN', () => {
    for (const bits of patterns) {
      const value = bf16ToF32(bits);
      if (Number.isNaN(value)) expect(bf16ToF32(f32ToBf16(value))).toBeNaN();
      else if (f32ToBf16(value) !== bits) throw new Error(`0x${bits.toString(16)}`);
    }
  });

  it('rounds ties to even', () => {
    expect(f32ToBf16(1 + 2 ** -8)).toBe(0x3f80);
    expect(f32ToBf16(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(f32ToBf16(3.4e38)).toBe(0x7f80);
    expect(bf16ToF32(f32ToBf16(-3.140625))).toBe(-3.140625);
  });
});

describe('float8', () => {
  it('has the ranges that the specification gives', () => {
    const finite = (format: Parameters<typeof f8ToF32>[1]) =>
      Math.max(...Array.from({ length: 256 }, (_, i) => f8ToF32(i, format)).filter(Number.isFinite));
    expect(finite('e4m3fn')).toBe(448);
    expect(finite('e4m3fnuz')).toBe(240);
    expect(finite('e5m2')).toBe(57344);
    expect(finite('e5m2fnuz')).toBe(57344);
    expect(f8ToF32(1, 'e4m3fn')).toBe(2 ** -9);
    expect(f8ToF32(1, 'e5m2')).toBe(2 ** -16);
    expect(f8ToF32(0xb8, 'e4m3fn')).toBe(-1);
    expect(f8ToF32(0x80, 'e4m3fnuz')).toBeNaN();
    expect(f8ToF32(0x7f, 'e4m3fn')).toBeNaN();
    expect(f8ToF32(0xfc, 'e5m2')).toBe(Number.NEGATIVE_INFINITY);
  });
});
