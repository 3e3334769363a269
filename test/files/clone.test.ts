import { existsSync, promises as nodeFiles, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/files/atomic.js';

import type { BytePatch } from '../../src/files/patch.js';
import { temporaryName } from '../../src/files/temporary.js';
import { writeTogether } from '../../src/files/write-together.js';
import { newFolder, someBytes } from './some-bytes.js';

describe('writing clones', () => {
  const patch = (file: string, bytes: Uint8Array): BytePatch => ({
    file,
    offsetBytes: 10,
    before: bytes.slice(10, 14),
    after: Uint8Array.of(0, 0, 0, 0),
  });

  test('a clone differs in the patched bytes alone, and the original stays', async () => {
    const at = newFolder();
    const [from, to] = [join(at, 'a'), join(at, 'b')];
    const bytes = someBytes(1000);
    writeFileSync(from, bytes);
    await writeTogether(to, [{ from, to, patches: [patch(from, bytes)] }]);
    const expected = bytes.slice();
    expected.fill(0, 10, 14);
    expect(new Uint8Array(readFileSync(to))).toEqual(expected);
    expect(new Uint8Array(readFileSync(from))).toEqual(bytes);
    expect(readdirSync(at).sort()).toEqual(['a', 'b']);
  });

  test.each([
    ['copying', { copyFile: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) }],
    ['opening', { open: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) }],
    ['renaming', { rename: () => Promise.reject(Object.assign(new Error('ro'), { code: 'EROFS' })) }],
  ])('leaves nothing behind when %s fails', async (_what, broken) => {
    const at = newFolder();
    const [from, to] = [join(at, 'a'), join(at, 'b')];
    const bytes = someBytes(1000);
    writeFileSync(from, bytes);
    const files = { ...nodeFiles, ...broken } as unknown as FileSystem;
    await expect(writeTogether(to, [{ from, to, patches: [patch(from, bytes)] }], files)).rejects.toThrow(
      /`.*b` cannot be written: (no space is left|the file system is read-only)/,
    );
    expect(existsSync(to)).toBe(false);
    expect(readdirSync(at)).toEqual(['a']);
    expect(new Uint8Array(readFileSync(from))).toEqual(bytes);
  });

  test('removes what a killed process left of the same output, and nothing else', async () => {
    const at = newFolder();
    const [from, to] = [join(at, 'a'), join(at, 'b')];
    writeFileSync(from, someBytes(100));
    const ours = temporaryName(to);
    const left = ours
      .replace(`-${process.pid}-`, '-999999999-')
      .replace(/[0-9a-f]{8}(-\d+\.tmp)$/, '01234567$1');
    const other = left.replace('.b.', '.c.');
    for (const path of [ours, left, other]) writeFileSync(path, '');
    await writeTogether(to, [{ from, to, patches: [] }]);
    expect(readdirSync(at).sort()).toEqual([basename(ours), basename(other), 'a', 'b'].sort());
  });
});
