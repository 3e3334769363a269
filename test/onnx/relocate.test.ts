import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeClones } from '../../src/files/patch-files.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { relocate } from '../../src/onnx/relocate.js';
import { growthOf, type Splice, shiftBy, spliced } from '../../src/onnx/splice.js';
import type { ModelProto } from '../../src/onnx/types.js';
import { allTensors } from '../../src/onnx/walk.js';
import { model } from './arbitrary-model.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-relocate-'));

/** The bytes of a model whose tensors, wherever they are, name files in turn. */
function located(proto: ModelProto, locations: readonly string[]): Buffer {
  for (const [i, tensor] of [...allTensors(proto)].entries()) {
    const entry = (key: string, value: string) => ({ key, value, unknown: [] });
    tensor.externalData = [
      entry('location', locations[i % locations.length]!),
      entry('offset', locations[0]!),
    ];
  }
  return Buffer.from(encodeModel(proto));
}

async function relocated(from: string, renamed: ReadonlyMap<string, string>): Promise<Buffer> {
  const to = join(folder, 'to.onnx');
  const splices = relocate({ path: from, bytes: readFileSync(from).length }, renamed);
  await writeClones([{ from, to, patches: [], splices }]);
  const bytes = readFileSync(to);
  expect(bytes.length).toBe(readFileSync(from).length + growthOf(splices));
  return bytes;
}

describe('relocating', () => {
  test('gives the bytes that encoding with the new names gives, and back again the old ones', async () => {
    // Lengths on both sides of 128 and 16,384, where a varint takes a byte more; and characters of several bytes.
    const name = fc.constantFrom('n', 'new.onnx.data', 'ü'.repeat(60), 'n'.repeat(126), 'm'.repeat(17_000));
    const from = join(folder, 'from.onnx');
    await fc.assert(
      fc.asyncProperty(model, name, async (proto, to) => {
        const before = located(proto, ['a.data', 'b.data']);
        writeFileSync(from, before);
        const after = await relocated(from, new Map([['a.data', to]]));
        // The offset entry, whose value is the old name too, is none.
        const expected = located(proto, ['a.data', 'b.data']);
        expect(expected.equals(before)).toBe(true);
        for (const { externalData } of allTensors(proto)) {
          if (externalData[0]!.value === 'a.data') externalData[0]!.value = to;
        }
        expect(after.equals(Buffer.from(encodeModel(proto)))).toBe(true);
        writeFileSync(from, after);
        expect((await relocated(from, new Map([[to, 'a.data']]))).equals(before)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

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
