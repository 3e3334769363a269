import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cloneFile } from '../../src/files/clone.js';
import { growthOf } from '../../src/files/splice.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { relocate } from '../../src/onnx/relocate.js';
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
  rmSync(to, { force: true });
  await cloneFile({ from, to, patches: [], splices });
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
