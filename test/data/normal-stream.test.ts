import { expect, it } from 'vitest';
import { normalStream } from '../../src/data/arrays/normal-stream.js';

it('gives normal numbers: moments and tails as they should be', () => {
  const numbers = new Float32Array(400_000);
  normalStream(3)(numbers, 2);
  const moment = (k: number) => numbers.reduce((sum, x) => sum + (x / 2) ** k, 0) / numbers.length;
  // Five standard errors of each.
  expect(Math.abs(moment(1))).toBeLessThan(0.008);
  expect(Math.abs(moment(2) - 1)).toBeLessThan(0.012);
  expect(Math.abs(moment(3))).toBeLessThan(0.031);
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.08);
  const beyond = numbers.filter((x) => Math.abs(x) > 4).length / numbers.length;
  expect(Math.abs(beyond - 0.0455)).toBeLessThan(0.002);
});

it('is the same from the same seed, goes on from call to call, and differs for neighbouring seeds', () => {
  const whole = new Float32Array(64);
  normalStream(7)(whole, 1);
  const stream = normalStream(7);
  const parts = [new Float32Array(32), new Float32Array(32)];
  for (const part of parts) stream(part, 1);
  expect([...parts[0]!, ...parts[1]!]).toEqual([...whole]);
  const other = new Float32Array(64);
  normalStream(8)(other, 1);
  const correlation = whole.reduce((sum, x, i) => sum + x * other[i]!, 0) / 64;
  expect(Math.abs(correlation)).toBeLessThan(0.6);
  expect([...other]).not.toEqual([...whole]);
});
