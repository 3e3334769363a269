/**
 * Returns a generator of uniform 32-bit integers: SplitMix32, good enough for made-up inputs and the same
 * everywhere.
 */
export function splitMix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/** Returns standard normal numbers from a seed (Box and Muller 1958). */
export function normals(seed: number, count: number): Float32Array {
  const next = splitMix32(seed);
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 2) {
    const radius = Math.sqrt(-2 * Math.log((next() + 1) / 2 ** 32));
    const angle = (2 * Math.PI * next()) / 2 ** 32;
    values[index] = radius * Math.cos(angle);
    if (index + 1 < count) values[index + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** Returns integers in [0, limit) from a seed. */
export function integersBelow(limit: number, seed: number, count: number): Int32Array {
  const next = splitMix32(seed);
  return Int32Array.from({ length: count }, () => Math.floor((next() / 2 ** 32) * limit));
}
