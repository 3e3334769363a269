/** Conversions between float32 and the narrow floating-point formats, by their bits. */
const view = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  view.setFloat32(0, value);
  return view.getUint32(0);
}

function ofBits(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** IEEE 754 binary16 bits → number, exactly. */
export function f16ToF32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A float32 → nearest binary16 bits, ties to even; beyond 65,504 becomes infinite from 65,520 on. */
export function f32ToF16(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: a whole multiple of 2^-24.
    return sign | roundEven(Math.abs(ofBits(magnitude)) * 2 ** 24);
  }
  // Drop 13 fraction bits, ties to even; a carry moves into the exponent as it should.
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** bfloat16 bits → number, exactly. */
export function bf16ToF32(bits: number): number {
  return ofBits((bits << 16) >>> 0);
}

/** A float32 → nearest bfloat16 bits, ties to even. */
export function f32ToBf16(value: number): number {
  const bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** An 8-bit format of "FP8 Formats for Deep Learning" (Micikevicius et al. 2022) or its FNUZ variant. */
export type Float8 = 'e4m3fn' | 'e4m3fnuz' | 'e5m2' | 'e5m2fnuz';

/** float8 bits → number, exactly. */
export function f8ToF32(byte: number, format: Float8): number {
  const fractionBits = format.startsWith('e4') ? 3 : 2;
  const fnuz = format.endsWith('uz');
  if (fnuz && byte === 0x80) return Number.NaN;
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte & 0x7f) >> fractionBits;
  const fraction = byte & ((1 << fractionBits) - 1);
  if (format === 'e4m3fn' && (byte & 0x7f) === 0x7f) return Number.NaN;
  if (format === 'e5m2' && exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  const bias = (fractionBits === 3 ? 7 : 15) + (fnuz ? 1 : 0);
  const unit = 2 ** -fractionBits;
  if (exponent === 0) return sign * fraction * unit * 2 ** (1 - bias);
  return sign * (1 + fraction * unit) * 2 ** (exponent - bias);
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
