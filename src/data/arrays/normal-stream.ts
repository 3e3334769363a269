import { splitMix32 } from './prng.js';

/** Fills an array with the next independent normal numbers of mean 0 and the given standard deviation. */
export type NormalStream = (into: Float32Array, deviation: number) => void;

/**
 * Returns an endless stream of normal numbers from a seed, the same on every machine: Marsaglia's polar
 * method (1964) on xoshiro128++ (Blackman & Vigna 2021), whose period of 2^128 makes overlaps of long
 * simulations impossible in practice. It is written out in one loop, since simulations draw hundreds of
 * millions.
 */
export function normalStream(seed: number): NormalStream {
  const mix = splitMix32(seed);
  let a = mix() | 0;
  let b = mix() | 0;
  let c = mix() | 0;
  let d = mix() | 0;
  return (into, deviation) => {
    const { length } = into;
    for (let i = 0; i < length; ) {
      // Two signed 32-bit integers, each as a number in (−1, 1).
      let sum = (a + d) | 0;
      const first = (((sum << 7) | (sum >>> 25)) + a) | 0;
      let shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
      sum = (a + d) | 0;
      const second = (((sum << 7) | (sum >>> 25)) + a) | 0;
      shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
      const u = (first + 0.5) * 2 ** -31;
      const v = (second + 0.5) * 2 ** -31;
      const square = u * u + v * v;
      if (square >= 1) continue;
      const scale = deviation * Math.sqrt((-2 * Math.log(square)) / square);
      into[i] = u * scale;
      if (i + 1 < length) into[i + 1] = v * scale;
      i += 2;
    }
  };
}
