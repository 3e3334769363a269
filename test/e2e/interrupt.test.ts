import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, childrenOf, root } from '../cli/audit.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-e2e-'));
afterAll(() => rmSync(folder, { recursive: true }));

const model = join(root, 'models/gpt2/model.onnx');
/** Minutes of text for the shipped model: nothing here gets to its end. */
const text = join(folder, 'long.txt');
writeFileSync(text, `${readFileSync(join(root, 'samples/text.txt'), 'utf8')}\n`.repeat(60));
const long = (report: string) => [
  ...[model, '--data', text, '--tokens', 'all', '--batch-size', '1'],
  ...['--report', report],
];

/** How many times slower than an idle machine this one is right now: other tests run beside these. */
let slowness = 1;
beforeAll(async () => {
  const { milliseconds } = await audit(['--version']);
  slowness = Math.max(1, milliseconds / 500);
});

interface Stop {
  after: number;
  signal: NodeJS.Signals;
}

/** Starts a long audit, sends signals to it, and tells when it ended after the first one. */
async function interrupted(args: string[], ...stops: Stop[]) {
  let pids: number[] = [];
  let first = 0;
  const ended = await audit(args, {
    started: async (child) => {
      for (const { after, signal } of stops) {
        await sleep(after);
        pids = childrenOf(child.pid!);
        first ||= performance.now();
        child.kill(signal);
      }
    },
  });
  const left = pids.filter(
    (pid) => existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/status`, 'utf8').includes('State:\tZ'),
  );
  return { ...ended, left, secondsToStop: (performance.now() - first) / 1000 };
}

describe.skipIf(process.platform === 'win32')('Ctrl-C', () => {
  it('ends within a second with exit code 130, a partial report, its table, and no child left', async () => {
    const report = join(folder, 'partial.json');
    const { exitCode, stdout, left, secondsToStop } = await interrupted(long(report), {
      after: 4000 + 2000 * slowness,
      signal: 'SIGINT',
    });
    expect(exitCode).toBe(130);
    expect(secondsToStop).toBeLessThan(1 * slowness);
    expect(left).toEqual([]);
    const { data, gate } = JSON.parse(readFileSync(report, 'utf8'));
    expect(data.complete).toBe(false);
    expect(data.positions).toBeGreaterThan(0);
    expect(gate).toBeUndefined();
    expect(stdout).toMatch(/incomplete/);
  });

  it.each([50, 150, 300, 500, 800, 1200, 1800, 2500])(
    'ends within a second %d ms after the start, with no child and no half-written file left',
    async (after) => {
      const report = join(folder, `after-${after}.json`);
      const { exitCode, left, stderr, secondsToStop } = await interrupted(long(report), {
        after,
        signal: 'SIGINT',
      });
      // Before Node has read the first line of ours, the signal itself ends the process.
      expect(exitCode === null ? 130 : exitCode).toBe(130);
      expect(secondsToStop).toBeLessThan(1.1 * slowness);
      expect(left).toEqual([]);
      expect(stderr).not.toMatch(/^\s+at /m);
      if (existsSync(report)) expect(JSON.parse(readFileSync(report, 'utf8')).data.complete).toBe(false);
      expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    },
  );

  it('exits at once the second time', async () => {
    const { exitCode, secondsToStop } = await interrupted(
      long(join(folder, 'twice.json')),
      { after: 3000, signal: 'SIGINT' },
      { after: 5, signal: 'SIGINT' },
    );
    expect(exitCode).toBe(130);
    expect(secondsToStop).toBeLessThan(0.7 * slowness);
  });

  it('is what SIGTERM means too', async () => {
    const { exitCode, secondsToStop, left } = await interrupted(long(join(folder, 'term.json')), {
      after: 3000,
      signal: 'SIGTERM',
    });
    expect([exitCode, left]).toEqual([130, []]);
    expect(secondsToStop).toBeLessThan(1 * slowness);
  });
});

describe.skipIf(process.platform !== 'linux')("the session's process", () => {
  it('being killed is exit code 3 and one sentence, and nothing is written', async () => {
    const report = join(folder, 'killed.json');
    const ended = await audit(long(report), {
      started: async (child) => {
        while (childrenOf(child.pid!).length === 0) await sleep(20);
        await sleep(300);
        for (const pid of childrenOf(child.pid!)) process.kill(pid, 'SIGKILL');
      },
    });
    expect(ended.exitCode).toBe(3);
    expect(ended.stderr).toMatch(/^audit: The session's process ended unexpectedly \(signal SIGKILL\).*\n$/);
    expect(ended.stdout).toBe('');
    expect(existsSync(report)).toBe(false);
  });
});
