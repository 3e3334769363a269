const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** IEEE 754 binary16 bits of a number, rounded to nearest even from its float32 value. */
export function toFloat16(value: number): number {
  single[0] = value;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const exponent = (word >>> 23) & 0xff;
  let mantissa = word & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200 | (mantissa >>> 13));
  let shift = 13;
  let half = exponent - 112;
  if (half >= 31) return sign | 0x7c00;
  if (half <= 0) {
    if (half < -10) return sign;
    mantissa |= 0x800000;
    shift += 1 - half;
    half = 0;
  }
  const kept = mantissa >>> shift;
  const lost = mantissa & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  const up = lost > middle || (lost === middle && (kept & 1) === 1) ? 1 : 0;
  return sign | ((half << 10) + kept + up);
}

/** The number that binary16 bits mean. */
export function fromFloat16(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >>> 10) & 0x1f;
  const mantissa = word & 0x3ff;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 bits of a number: the upper half of its float32 bits, rounded to nearest even. */
export function toBfloat16(value: number): number {
  single[0] = value;
  const word = bits[0]!;
  if (Number.isNaN(value)) return (word >>> 16) | 0x40;
  return ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The number that bfloat16 bits mean. */
export function fromBfloat16(word: number): number {
  bits[0] = word << 16;
  return single[0]!;
}
