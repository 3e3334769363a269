import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashWithPatches } from '../../src/files/hash.js';
import { patchFile } from '../../src/files/patch.js';
import { newFolder, someBytes } from './some-bytes.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('hashing with patches', () => {
  test('equals the hash of the patched file, also across the edges of what is read at once', async () => {
    const bytes = someBytes(3 * (1 << 20) + 17);
    const path = join(newFolder(), 'big');
    writeFileSync(path, bytes);
    const edge = 1 << 20;
    const made = [0, 100, edge - 3, 2 * edge - 1, bytes.length - 4].map((offsetBytes) => ({
      file: path,
      offsetBytes,
      before: bytes.slice(offsetBytes, offsetBytes + 4),
      after: Uint8Array.of(9, 8, 7, 6),
    }));
    const { now, patched } = await hashWithPatches(path, made);
    expect(now).toBe(sha256(bytes));
    await patchFile(path, made);
    expect(patched).toBe(sha256(readFileSync(path)));
  });
});
