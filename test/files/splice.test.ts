import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Splice, shiftBy, spliced } from '../../src/files/splice.js';

describe('splices', () => {
  const file = Uint8Array.from({ length: 60 }, (_, i) => i);
  const cuts = fc.uniqueArray(fc.nat(60), { maxLength: 12 }).map((all) => all.sort((a, b) => a - b));
  const splices = fc
    .tuple(cuts, fc.array(fc.uint8Array({ maxLength: 5 }), { minLength: 6, maxLength: 6 }))
    .map(([at, bytes]): Splice[] =>
      Array.from({ length: at.length >> 1 }, (_, i) => ({
        startBytes: at[2 * i]!,
        endBytes: at[2 * i + 1]!,
        bytes: bytes[i]!,
      })),
    );

  test('stand in their places however the file is cut into chunks, and all else where `shiftBy` says', async () => {
    await fc.assert(
      fc.asyncProperty(splices, fc.integer({ min: 1, max: 61 }), async (list, size) => {
        async function* chunks() {
          for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
        }
        const parts: Uint8Array[] = [];
        for await (const chunk of spliced(chunks(), list)) parts.push(chunk.slice());
        const expected: number[] = [];
        const shift = shiftBy(list);
        for (let at = 0; at < file.length; ) {
          const splice = list.find(({ startBytes }) => startBytes === at);
          if (!splice) expect(shift(at)).toBe(expected.length);
          expected.push(...(splice?.bytes ?? [at]));
          at = splice?.endBytes ?? at + 1;
        }
        expect([...Buffer.concat(parts)]).toEqual(expected);
      }),
    );
  });
});
