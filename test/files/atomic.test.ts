import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { writeAtomically, writeAtomicallySync } from '../../src/files/atomic.js';
import { temporaryName } from '../../src/files/temporary.js';
import { newFolder, someBytes } from './some-bytes.js';

const isRoot = process.getuid?.() === 0;

describe('writing atomically', () => {
  it('writes text and bytes, over what was there, and leaves nothing else', async () => {
    const folder = newFolder();
    const path = join(folder, 'a');
    await writeAtomically(path, 'old');
    await writeAtomically(path, someBytes(1000));
    expect(new Uint8Array(readFileSync(path))).toEqual(someBytes(1000));
    writeAtomicallySync(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('replaces the file behind a symbolic link, not the link', async () => {
    const folder = newFolder();
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    writeFileSync(file, 'old');
    symlinkSync(file, link);
    await writeAtomically(link, 'new');
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it('writes into a pipe as it is', async () => {
    const pipe = join(newFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Read from the start: Node throws away what a process has printed that ends before anybody reads.
    const read = text(spawn('cat', [pipe]).stdout);
    await writeAtomically(pipe, 'through');
    expect(await read).toBe('through');
  });

  it('removes what a killed process left of the same file', async () => {
    const folder = newFolder();
    const path = join(folder, 'a');
    const left = temporaryName(path).replace(/\w{8}(-\d+\.tmp)$/, '0123abcd$1');
    writeFileSync(left, 'half');
    await writeAtomically(path, 'whole');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('says in words why it cannot, and leaves nothing', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'sub'));
    await expect(writeAtomically(join(folder, 'sub'), 'x')).rejects.toThrow(
      /`.*sub` cannot be written: it is a folder\./,
    );
    await expect(writeAtomically(join(folder, 'no', 'x'), 'x')).rejects.toThrow(/no such file or folder/);
    expect(() => writeAtomicallySync(join(folder, 'no', 'x'), 'x')).toThrow(/no such file or folder/);
    expect(() => writeAtomicallySync(join(folder, 'sub'), 'x')).toThrow(/it is a folder/);
    expect(readdirSync(folder)).toEqual(['sub']);
  });

  it.skipIf(isRoot)('says that a folder is read-only', async () => {
    const folder = newFolder();
    chmodSync(folder, 0o555);
    await expect(writeAtomically(join(folder, 'x'), 'x')).rejects.toThrow(/permission denied/);
  });
});
