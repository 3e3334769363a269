import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { patchFile } from '../../src/files/patch.js';
import { newFolder, someBytes } from './some-bytes.js';

describe('patching a file', () => {
  test('refuses bytes that are neither old nor new', async () => {
    const path = join(newFolder(), 'a');
    const bytes = someBytes(100);
    writeFileSync(path, bytes);
    const wrong = {
      file: path,
      offsetBytes: 10,
      before: Uint8Array.of(1, 2, 3, 4),
      after: new Uint8Array(4),
    };
    await expect(patchFile(path, [wrong])).rejects.toThrow(/something else has changed it/);
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  });
});
