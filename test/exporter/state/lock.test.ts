import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takeLock } from '../../../src/exporter/state/lock.js';
import { temporaryFolder } from '../metrics/services.js';

const PATIENCE_MILLISECONDS = 200;
const take = (folder: string) => takeLock(folder, PATIENCE_MILLISECONDS);

/** Writes the lock of another process: this process's own, changed. */
async function foreignLock(folder: string, change: object): Promise<string> {
  const lock = await take(folder);
  const path = join(folder, 'lock.json');
  const own = JSON.parse(readFileSync(path, 'utf8'));
  lock.release();
  writeFileSync(path, JSON.stringify({ ...own, ...change }));
  return path;
}

describe('the lock of a state folder', () => {
  it('is held by one server, and free again after its end', async () => {
    const folder = temporaryFolder();
    const lock = await take(folder);
    await expect(take(folder)).rejects.toThrow(
      `Another server (process ${process.pid}) uses the state folder`,
    );
    lock.release();
    (await take(folder)).release();
  });

  it('of a process that has ended is taken over', async () => {
    const folder = temporaryFolder();
    await foreignLock(folder, { pid: 2 ** 22 + 1 });
    (await take(folder)).release();
  });

  it('of an ended process whose id belongs to another one now is taken over', async () => {
    const folder = temporaryFolder();
    await foreignLock(folder, { pid: process.pid, processStart: '1' });
    (await take(folder)).release();
  });

  it('of another machine is respected while its heartbeat moves, and taken over when it stops', async () => {
    const folder = temporaryFolder();
    const path = await foreignLock(folder, { space: 'another machine' });
    let seconds = 1_000_000;
    const heart = setInterval(() => utimesSync(path, seconds, ++seconds), PATIENCE_MILLISECONDS / 10);
    await expect(take(folder)).rejects.toThrow(/Another server/);
    clearInterval(heart);
    (await take(folder)).release();
  });

  it('that a killed process left half-written is taken over', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'lock.json'), '{"pid":1');
    (await take(folder)).release();
  });

  it('tells its holder when another server has taken it', async () => {
    const folder = temporaryFolder();
    const lock = await take(folder);
    lock.beat();
    rmSync(join(folder, 'lock.json'));
    lock.beat();
    writeFileSync(join(folder, 'lock.json'), JSON.stringify({ pid: 1, space: 'another machine' }));
    expect(() => lock.beat()).toThrow('Another server (process 1)');
    lock.release();
    expect(readFileSync(join(folder, 'lock.json'), 'utf8')).toContain('another machine');
  });
});
