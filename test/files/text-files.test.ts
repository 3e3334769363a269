import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.js';
import { readLimited } from '../../src/files/read-limited.js';
import { readTextFile, writeTextFile } from '../../src/files/text-files.js';
import { newFolder } from './some-bytes.js';

const pipe = (): string => {
  const path = join(newFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
};

describe('a text file', () => {
  it('is compressed by its name and recognised by its bytes', async () => {
    const path = join(newFolder(), 'a.json.gz');
    await writeTextFile(path, 'text');
    expect(gunzipSync(readFileSync(path)).toString()).toBe('text');
    expect(await readTextFile(path)).toBe('text');
    const plain = join(newFolder(), 'a.txt');
    writeFileSync(plain, gzipSync('compressed all the same'));
    expect(await readTextFile(plain)).toBe('compressed all the same');
  });

  it('that is missing, a folder, a device or a damaged archive is refused in a sentence', async () => {
    const folder = newFolder();
    await expect(readTextFile(join(folder, 'no'))).rejects.toThrow(
      /`.*no` cannot be read: no such file or folder\./,
    );
    await expect(readTextFile(folder)).rejects.toThrow(/to be a file or a pipe, found a folder\./);
    await expect(readTextFile('/dev/zero')).rejects.toThrow(
      /Expected `\/dev\/zero` to be a file or a pipe, found a device or a socket\./,
    );
    const cut = join(folder, 'cut.gz');
    writeFileSync(cut, gzipSync('x'.repeat(1000)).subarray(0, 20));
    await expect(readTextFile(cut)).rejects.toThrow(/cut short or damaged/);
  });

  it('in /proc, which claims to be empty, is read', async () => {
    expect(await readTextFile('/proc/self/status')).toContain('Pid:');
  });

  it('that unpacks to far more than its size is refused', async () => {
    const path = join(newFolder(), 'bomb.json.gz');
    writeFileSync(path, gzipSync(Buffer.alloc(64 << 20, ' ')));
    await expect(readTextFile(path)).rejects.toThrow(/unpacks to more than 16,777,216.*gunzip/);
    await expect(readTextFile(path)).rejects.toThrow(UserError);
    // What shrinks well and is small is no bomb.
    writeFileSync(path, gzipSync(Buffer.alloc(15 << 20, ' ')));
    expect((await readTextFile(path)).length).toBe(15 << 20);
  });
});

describe('a pipe', () => {
  it('is read to its end, whoever opens it first', async () => {
    const path = pipe();
    const reading = readTextFile(path);
    spawn('sh', ['-c', `sleep 0.2; printf one > ${path}`]);
    expect(await reading).toBe('one');
    const shell = execFileSync('bash', ['-c', 'echo <(echo)']).toString();
    expect(shell).toMatch(/^\/dev\/fd/);
  });

  it('that pauses is waited for', async () => {
    const path = pipe();
    spawn('sh', ['-c', `(printf a; sleep 0.3; printf b) > ${path}`]);
    expect(await readTextFile(path)).toBe('ab');
  });

  it('that nobody writes to is given up', async () => {
    const path = pipe();
    const refused = readLimited(path, 100, { writer: 0.1, silence: 5 });
    await expect(refused).rejects.toThrow(/Expected data from the pipe `.*`, found none for 0\.1 s/);
  });

  it('that is open and stays silent is given up', async () => {
    const path = pipe();
    const writer = spawn('sh', ['-c', `exec 3> ${path}; sleep 10`]);
    const refused = readLimited(path, 100, { writer: 5, silence: 0.3 });
    await expect(refused).rejects.toThrow(/found none for 0\.3 s/);
    writer.kill();
  });

  it('that gives more than is allowed is refused', async () => {
    const path = pipe();
    const writer = spawn('sh', ['-c', `cat /dev/zero > ${path}`]);
    await expect(readLimited(path, 5_000_000)).rejects.toThrow(/at most 5,000,000 bytes, found more/);
    writer.kill();
  });
});
