import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { type Cgroup, cgroupFile, cgroupsOf } from './cgroup.js';

/**
 * Returns the bytes of memory that a new process can take without swapping or being killed: the memory that
 * the system calls available, or less if the limit of a control group (version 1 or 2) leaves less.
 *
 * @param root Folder in place of `/`, for tests.
 */
export function availableMemoryBytes(root = '/'): number {
  const left = cgroupsOf('memory', root).map(leftInGroup);
  return Math.max(0, Math.min(systemAvailable(root), ...left));
}

/**
 * Linux counts memory that it can free at once (caches) as available; elsewhere only free memory is known.
 */
function systemAvailable(root: string): number {
  try {
    const text = readFileSync(join(root, 'proc/meminfo'), 'utf8');
    const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // No Linux.
  }
  return freemem();
}

/**
 * Names of a group's files and of the number in `memory.stat`; version 1 sums over the groups inside as
 * `total_…`.
 */
const files = {
  1: { limit: 'memory.limit_in_bytes', used: 'memory.usage_in_bytes', cache: 'total_inactive_file' },
  2: { limit: 'memory.max', used: 'memory.current', cache: 'inactive_file' },
} as const;

/**
 * Bytes up to the group's limit; Infinity without one. Files cached and not in use are freed before the limit
 * counts.
 */
function leftInGroup(group: Cgroup): number {
  const { limit, used, cache } = files[group.version];
  // `max`, and in version 1 a number near 2^63, say that there is no limit.
  const limitBytes = bytesIn(cgroupFile(group, limit)) ?? Infinity;
  const usedBytes = bytesIn(cgroupFile(group, used)) ?? 0;
  const cached = new RegExp(`^${cache} (\\d+)$`, 'm').exec(cgroupFile(group, 'memory.stat') ?? '')?.[1];
  return limitBytes - Math.max(0, usedBytes - Number(cached ?? 0));
}

function bytesIn(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}
