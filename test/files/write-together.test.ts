import {
  mkdtempSync,
  promises as nodeFiles,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/files/atomic.js';
import { writeTogether } from '../../src/files/write-together.js';

const root = mkdtempSync(join(tmpdir(), 'audit-together-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const newFolder = (): string => mkdtempSync(join(root, 'f-'));

function newSource(): string {
  const path = join(newFolder(), 'source');
  writeFileSync(path, 'abcdef', { mode: 0o400 });
  return path;
}

describe('writeTogether', () => {
  test('makes copies with changed bytes, shared files and new ones', async () => {
    const from = newSource();
    const folder = newFolder();
    const [output, shared, text] = ['out', 'shared', 'text'].map((name) => join(folder, name));
    const patch = { file: from, offsetBytes: 1, before: Buffer.from('bc'), after: Buffer.from('XY') };
    await writeTogether(output!, [
      { from, to: output!, patches: [patch] },
      { to: shared!, sharedWith: from },
      { to: text!, bytes: Buffer.from('hello') },
    ]);
    expect([output, shared, text].map((path) => readFileSync(path!, 'utf8'))).toEqual([
      'aXYdef',
      'abcdef',
      'hello',
    ]);
    // A read-only source makes an output that can be written.
    expect(statSync(output!).mode & 0o200).toBe(0o200);
    expect(readFileSync(from, 'utf8')).toBe('abcdef');
  });

  test('copies what cannot be linked', async () => {
    const from = newSource();
    const to = join(newFolder(), 'out');
    const refused = () => Promise.reject(Object.assign(new Error('no'), { code: 'EPERM' }));
    const files = { ...nodeFiles, link: refused } as unknown as FileSystem;
    for (const cloneFirst of [false, true]) {
      await writeTogether(to, [{ to, sharedWith: from, cloneFirst }], files);
      expect(statSync(to).ino).not.toBe(statSync(from).ino);
      expect(readFileSync(to, 'utf8')).toBe('abcdef');
    }
  });

  test('leaves all files as they were when one cannot be made', async () => {
    const from = newSource();
    const folder = newFolder();
    const to = join(folder, 'out');
    writeFileSync(to, 'old');
    const stale = { file: from, offsetBytes: 0, before: Buffer.from('z'), after: Buffer.from('y') };
    const made = [
      { to, bytes: Buffer.from('new') },
      { from, to: join(folder, 'data'), patches: [stale] },
    ];
    await expect(writeTogether(to, made)).rejects.toThrow(/has other bytes at 0 than when it was read/);
    expect(readdirSync(folder)).toEqual(['out']);
    expect(readFileSync(to, 'utf8')).toBe('old');
  });

  test('names a folder that is not there', async () => {
    const to = join(newFolder(), 'no', 'out');
    await expect(writeTogether(to, [{ to, bytes: Buffer.from('') }])).rejects.toThrow(
      /cannot be written: no such file or folder/,
    );
  });
});
