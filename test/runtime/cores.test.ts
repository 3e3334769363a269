import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { availableCores, mostThreads } from '../../src/runtime/cores.js';
import { openSession } from '../../src/runtime/session.js';
import { fakeRoot } from './fake-root.js';
import { square } from './models.js';

let root = '';
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Cores of a machine with these files that has eight. */
function cores(files: Record<string, string>): number {
  root = fakeRoot(files);
  return availableCores(root, 8);
}

describe('available cores', () => {
  it('are those of the machine, without a quota', () => {
    expect(cores({})).toBe(8);
    expect(cores({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' })).toBe(8);
    expect(
      cores({
        'proc/self/cgroup': '1:cpu,cpuacct:/\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      }),
    ).toBe(8);
  });

  it('are those that the quota of a container pays for, a part of one included', () => {
    const quota = (max: string) =>
      cores({ 'proc/self/cgroup': '0::/a/b\n', 'sys/fs/cgroup/a/cpu.max': `${max} 100000\n` });
    expect(quota('200000')).toBe(2);
    expect(quota('250000')).toBe(3);
    expect(quota('5000')).toBe(1);
    expect(quota('1600000')).toBe(8);
  });

  it('are those that a quota of version 1 pays for', () => {
    expect(
      cores({
        'proc/self/cgroup': '4:cpu,cpuacct:/docker/0123\n',
        'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '300000\n',
        'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      }),
    ).toBe(3);
  });

  it('are at least one on this machine', () => {
    expect(availableCores()).toBeGreaterThanOrEqual(1);
    expect(availableCores()).toBeLessThanOrEqual(availableParallelism());
  });
});

describe('the threads of a session', () => {
  const options = { model: square, folder: '/tmp', device: 'cpu' } as const;

  it.each([100_000, mostThreads() + 1, -1, 1.5, Number.NaN])('cannot be %d', async (threads) => {
    await expect(openSession({ ...options, threads })).rejects.toThrow(
      /^Expected `threads` to be a whole number from 0 to \d+, the cores of this machine, got /,
    );
  });

  it('can be as many as there are cores', async () => {
    const session = await openSession({ ...options, threads: mostThreads() });
    await session.dispose();
  });
});
