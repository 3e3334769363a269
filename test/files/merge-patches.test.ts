import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergePatches } from '../../src/files/merge-patches.js';
import type { BytePatch } from '../../src/files/patch.js';
import { someBytes } from './some-bytes.js';

describe('merged patches', () => {
  const patches = fc.array(
    fc.record({ offset: fc.nat(40), bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }) }),
    { maxLength: 12 },
  );

  test('do what the patches do one after the other, and undone restore every byte', () => {
    fc.assert(
      fc.property(patches, (list) => {
        const original = someBytes(50);
        const bytes = original.slice();
        const made: BytePatch[] = list.map(({ offset, bytes: after }) => {
          const before = bytes.slice(offset, offset + after.length);
          bytes.set(after, offset);
          return { file: 'f', offsetBytes: offset, before, after };
        });
        const merged = mergePatches(made);
        const forward = original.slice();
        for (const { offsetBytes, before, after } of merged) {
          expect(forward.slice(offsetBytes, offsetBytes + before.length)).toEqual(before);
          forward.set(after, offsetBytes);
        }
        expect(forward).toEqual(bytes);
        for (const { offsetBytes, before } of merged) forward.set(before, offsetBytes);
        expect(forward).toEqual(original);
        const ends = merged.map(({ offsetBytes, after }) => offsetBytes + after.length);
        expect(merged.slice(1).every(({ offsetBytes }, i) => offsetBytes > ends[i]!)).toBe(true);
      }),
    );
  });
});
