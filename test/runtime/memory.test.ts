import { rmSync } from 'node:fs';
import { totalmem } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { availableMemoryBytes } from '../../src/runtime/memory.js';
import { fakeRoot, GIGABYTE, meminfo } from './fake-root.js';

let root = '';
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Bytes available on a machine with these files, of whose memory 20 GB are available. */
function available(files: Record<string, string>): number {
  root = fakeRoot({ 'proc/meminfo': meminfo(20 * GIGABYTE), ...files });
  return availableMemoryBytes(root);
}

const gigabytes = (number: number): string => `${number * GIGABYTE}\n`;

describe('available memory', () => {
  it('is what the system has, without control groups', () => {
    expect(available({})).toBe(20 * GIGABYTE);
    expect(available({ 'proc/self/cgroup': '0::/user.slice\n' })).toBe(20 * GIGABYTE);
  });

  it('is what the limit of a container leaves (version 2)', () => {
    expect(
      available({
        'proc/self/cgroup': '0::/\n',
        'sys/fs/cgroup/memory.max': gigabytes(4),
        'sys/fs/cgroup/memory.current': gigabytes(1),
      }),
    ).toBe(3 * GIGABYTE);
  });

  it('counts cached files that are not in use as available', () => {
    expect(
      available({
        'proc/self/cgroup': '0::/\n',
        'sys/fs/cgroup/memory.max': gigabytes(4),
        'sys/fs/cgroup/memory.current': gigabytes(3),
        'sys/fs/cgroup/memory.stat': `anon 1\nfile 5\ninactive_file ${2 * GIGABYTE}\nactive_file 7\n`,
      }),
    ).toBe(3 * GIGABYTE);
  });

  it('obeys the tightest of the groups around the process', () => {
    expect(
      available({
        'proc/self/cgroup': '0::/system.slice/ci.service/job\n',
        'sys/fs/cgroup/system.slice/memory.max': 'max\n',
        'sys/fs/cgroup/system.slice/ci.service/memory.max': gigabytes(2),
        'sys/fs/cgroup/system.slice/ci.service/memory.current': '0\n',
        'sys/fs/cgroup/system.slice/ci.service/job/memory.max': gigabytes(8),
      }),
    ).toBe(2 * GIGABYTE);
  });

  it('is what the limit of a container leaves (version 1, whose path is the one outside)', () => {
    expect(
      available({
        'proc/self/cgroup': '9:memory:/docker/0123\n3:cpu,cpuacct:/docker/0123\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': gigabytes(6),
        'sys/fs/cgroup/memory/memory.usage_in_bytes': gigabytes(2),
        'sys/fs/cgroup/memory/memory.stat': `inactive_file 1\ntotal_inactive_file ${GIGABYTE}\n`,
      }),
    ).toBe(5 * GIGABYTE);
  });

  it('ignores a limit that is none (version 1)', () => {
    expect(
      available({
        'proc/self/cgroup': '9:memory:/\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        'sys/fs/cgroup/memory/memory.usage_in_bytes': gigabytes(2),
      }),
    ).toBe(20 * GIGABYTE);
  });

  it('is never negative', () => {
    expect(
      available({
        'proc/self/cgroup': '0::/\n',
        'sys/fs/cgroup/memory.max': gigabytes(1),
        'sys/fs/cgroup/memory.current': gigabytes(2),
      }),
    ).toBe(0);
  });

  it('is something on this machine', () => {
    expect(availableMemoryBytes()).toBeGreaterThan(0);
    expect(availableMemoryBytes()).toBeLessThanOrEqual(totalmem());
  });
});
