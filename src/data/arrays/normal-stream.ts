import { splitMix32 } from './prng.js';

/** Fills an array with the next independent normal numbers of mean 0 and the given standard deviation. */
export type NormalStream = (into: Float32Array, deviation: number) => void;

/**
 * An endless stream of normal numbers from a seed, the same on every machine: Marsaglia's polar method (1964) on
 * xoshiro128++ (Blackman & Vigna 2021), whose period of 2^128 makes overlaps of long simulations impossible in practice.
 */
export function normalStream(seed: number): NormalStream {
  const next = xoshiro128(seed);
  /** Uniform in (−1, 1), with all 32 bits. */
  const signed = (): number => (next() + 0.5) / 2 ** 31;
  return (into, deviation) => {
    for (let i = 0; i < into.length; i += 2) {
      let [u, v, square] = [0, 0, 0];
      do {
        u = signed();
        v = signed();
        square = u * u + v * v;
      } while (square >= 1 || square === 0);
      const scale = deviation * Math.sqrt((-2 * Math.log(square)) / square);
      into[i] = u * scale;
      if (i + 1 < into.length) into[i + 1] = v * scale;
    }
  };
}

/** Signed 32-bit integers. */
function xoshiro128(seed: number): () => number {
  const mix = splitMix32(seed);
  let [a, b, c, d] = [mix() | 0, mix() | 0, mix() | 0, mix() | 0];
  return () => {
    const sum = (a + d) | 0;
    const result = (((sum << 7) | (sum >>> 25)) + a) | 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}
