import { describe, expect, it } from 'vitest';
import { countBytes } from '../../src/runtime/count-bytes.js';

describe('countBytes', () => {
  const size = (1 << 18) + 11;
  const buffer = new Uint8Array(size + 8);
  let state = 7;
  for (let i = 0; i < buffer.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    buffer[i] = i % 3 === 0 ? 17 : state >>> 24;
  }

  it.each([0, 1, 2, 3, 4])('counts every byte of a large view that begins at byte %d', (start) => {
    for (const length of [size, size - 1, size - 2, size - 3]) {
      const view = buffer.subarray(start, start + length);
      const expected = new Float64Array(256);
      for (const byte of view) expected[byte]!++;
      expect(countBytes(view)).toEqual(expected);
    }
  });

  it('counts a few bytes, and none', () => {
    const counts = countBytes(Uint8Array.of(3, 255, 3));
    expect([counts[3], counts[255], counts[0]]).toEqual([2, 1, 0]);
    expect(countBytes(new Uint8Array(0))).toEqual(new Float64Array(256));
  });
});
