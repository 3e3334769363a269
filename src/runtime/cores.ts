import { availableParallelism } from 'node:os';
import { type Cgroup, cgroupFile, cgroupsOf } from './cgroup.js';

/**
 * Returns the number of cores that this process can keep busy: those that it may run on, or less if the quota
 * of a control group (version 1 or 2) pays for less. At least 1; a part of a core counts as one.
 *
 * @param root Folder in place of `/`, for tests.
 */
export function availableCores(root = '/', parallelism = availableParallelism()): number {
  const quotas = cgroupsOf('cpu', root).map(quotaOf);
  return Math.max(1, Math.ceil(Math.min(parallelism, ...quotas)));
}

/** The group's share of time, in cores; Infinity without a quota. */
function quotaOf(group: Cgroup): number {
  const [quota, period] =
    group.version === 2
      ? (cgroupFile(group, 'cpu.max') ?? '').split(' ')
      : [cgroupFile(group, 'cpu.cfs_quota_us'), cgroupFile(group, 'cpu.cfs_period_us')];
  const share = Number(quota) / Number(period);
  // Version 2 says `max`, version 1 says −1 where there is no quota.
  return Number.isFinite(share) && share > 0 ? share : Infinity;
}

/**
 * Most threads that a session may be told to use: the cores of this machine that the process may run on. A
 * quota does not lower it, since threads beyond a quota wait, and harm nobody.
 */
export function mostThreads(): number {
  return availableParallelism();
}
