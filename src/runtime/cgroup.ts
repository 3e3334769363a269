import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A control group that bounds this process. Its limits hold together with those of the groups around it. */
export interface Cgroup {
  version: 1 | 2;
  /** Folder with the group's files. */
  folder: string;
}

/**
 * Lists the control groups that bound this process, innermost first, as Linux mounts them in
 * `/sys/fs/cgroup`: one hierarchy (version 2), one for each controller (version 1), or both. Inside a
 * container the process may be told the path of its group outside; then only the folders that exist here
 * count. Empty on other systems.
 *
 * @param root Folder in place of `/`, for tests.
 */
export function cgroupsOf(controller: 'memory' | 'cpu', root = '/'): Cgroup[] {
  const mount = join(root, 'sys/fs/cgroup');
  const lines = (readText(join(root, 'proc/self/cgroup')) ?? '').split('\n');
  return lines.flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === '') return groupsUpTo(mount, path, 2);
    if (!controllers.split(',').includes(controller)) return [];
    // `cpu,cpuacct` is one mount, and `cpu` usually a link to it.
    const folder = [controllers, controller]
      .map((name) => join(mount, name))
      .find((name) => existsSync(name));
    return folder === undefined ? [] : groupsUpTo(folder, path, 1);
  });
}

function groupsUpTo(mount: string, path: string, version: 1 | 2): Cgroup[] {
  const inner = path.includes('..') ? mount : join(mount, path);
  const folders: string[] = [];
  for (let folder = inner; folder.length > mount.length; folder = dirname(folder)) folders.push(folder);
  return [...folders, mount].filter((folder) => existsSync(folder)).map((folder) => ({ version, folder }));
}

/** Returns the text of one of a group's files, trimmed; `null` if there is none. */
export function cgroupFile({ folder }: Cgroup, name: string): string | null {
  return readText(join(folder, name));
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
