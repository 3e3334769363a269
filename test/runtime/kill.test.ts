import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Interrupted, RunError } from '../../src/errors.js';
import { openSession } from '../../src/runtime/session.js';
import type { RunRequest } from '../../src/runtime/types.js';
import { slow, square } from './models.js';

const options = { model: square, folder: '/tmp', device: 'cpu', threads: 1 } as const;
const blocking = { ...options, model: slow(200) };
const n = 1000;
const longRun: RunRequest = {
  feeds: { x: { type: 'float32', dims: [n, n], data: new Float32Array(n * n) } },
  fetch: ['y'],
};

/** True while the process runs. One that has ended, and only waits for its new parent to take note of it, does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${pid}/status`;
  try {
    return !readFileSync(status, 'utf8').includes('State:\tZ');
  } catch {
    return !existsSync('/proc/self');
  }
}

async function gone(pid: number, withinMilliseconds: number): Promise<boolean> {
  const end = Date.now() + withinMilliseconds;
  while (isAlive(pid) && Date.now() < end) await sleep(5);
  return !isAlive(pid);
}

describe('ending a session', () => {
  it('disposes of a process that is blocked in a run, within milliseconds', async () => {
    const session = await openSession(blocking);
    const run = session.run(longRun);
    const failed = expect(run).rejects.toThrow('The session was closed.');
    await sleep(50);
    const start = performance.now();
    await session.dispose();
    expect(performance.now() - start).toBeLessThan(500);
    expect(isAlive(session.pid)).toBe(false);
    await failed;
    await session.dispose();
    await expect(session.run({ feeds: {}, fetch: [] })).rejects.toThrow('The session was closed.');
  });

  it.each([0, 5, 20, 40, 60, 100, 200])(
    'is interrupted by its signal, %d ms after the start',
    async (delay) => {
      const controller = new AbortController();
      let abortedAt = 0;
      setTimeout(() => {
        abortedAt = performance.now();
        controller.abort();
      }, delay);
      let pid = 0;
      const work = async () => {
        const session = await openSession(blocking, { signal: controller.signal });
        pid = session.pid;
        await session.run(longRun);
      };
      await expect(work()).rejects.toThrow(Interrupted);
      expect(performance.now() - abortedAt).toBeLessThan(200);
      if (pid > 0) expect(await gone(pid, 500)).toBe(true);
    },
  );

  it('starts nothing when its signal was aborted before', async () => {
    await expect(openSession(options, { signal: AbortSignal.abort() })).rejects.toThrow(Interrupted);
  });

  it.each([
    ['SIGKILL', /ended unexpectedly \(signal SIGKILL\), most likely because memory ran out/],
    ['SIGSEGV', /crashed \(signal SIGSEGV\)/],
    ['SIGABRT', /crashed \(signal SIGABRT\)/],
  ] as const)('tells of a process that dies by %s', async (signal, message) => {
    const session = await openSession(blocking);
    const run = session.run(longRun);
    const error = run.catch((e) => e);
    await sleep(30);
    process.kill(session.pid, signal);
    expect(await error).toBeInstanceOf(RunError);
    expect((await error).message).toMatch(message);
    await expect(session.run(longRun)).rejects.toThrow(message);
    await session.dispose();
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves %s to the parent', async (signal) => {
    const session = await openSession(options);
    process.kill(session.pid, signal);
    await sleep(50);
    const x = { type: 'float32', dims: [1], data: Float32Array.of(3) } as const;
    const { y } = await session.run({ feeds: { x: { ...x, dims: [1] } }, fetch: ['y'] });
    expect(y?.data[0]).toBe(9);
    await session.dispose();
  });

  it('ends with a parent that is killed, even in the middle of a run', async () => {
    const parent = spawn(
      process.execPath,
      ['--input-type=module', '-e', parentScript, Buffer.from(blocking.model).toString('base64')],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
    await sleep(50);
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await gone(pid, 2000)).toBe(true);
  });
});

const parentScript = `
  const { openSession } = await import('${new URL('../../dist/src/runtime/session.js', import.meta.url)}');
  const model = Uint8Array.from(Buffer.from(process.argv[1], 'base64'));
  const session = await openSession({ model, folder: '/tmp', device: 'cpu', threads: 1 });
  session.run({ feeds: { x: { type: 'float32', dims: [${n}, ${n}], data: new Float32Array(${n * n}) } }, fetch: ['y'] });
  setTimeout(() => console.log(session.pid), 50);
`;
