import { createHash, randomBytes } from 'node:crypto';
import { readdir, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Partial files this process is writing. */
const active = new Set<string>();

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/**
 * A file of our own to download into: what a process that is gone left of the same content, taken over by renaming
 * it (which only one process can succeed in), else a new name. Its name is
 * `TARGET.<digest>.<host>-<pid>-<random>.incomplete`.
 */
export async function claimPartial(
  target: string,
  digest: string,
): Promise<{ path: string; release(): void }> {
  const folder = dirname(target);
  const stem = `${basename(target)}.${digest.slice(0, 16)}.`;
  const path = join(folder, `${stem}${host}-${process.pid}-${randomBytes(4).toString('hex')}.incomplete`);
  active.add(path);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(stem) || !name.endsWith('.incomplete') || isBusy(join(folder, name), stem)) continue;
    const taken = await rename(join(folder, name), path).then(
      () => true,
      () => false,
    );
    if (taken) break;
  }
  return { path, release: () => active.delete(path) };
}

/** Whether a living process may be writing to the file; on another machine we cannot know, so yes. */
function isBusy(path: string, stem: string): boolean {
  if (active.has(path)) return true;
  const [owner, pid] = basename(path).slice(stem.length).split('-');
  if (owner !== host) return true;
  if (Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
