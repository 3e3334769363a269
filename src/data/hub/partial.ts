import { readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ownerOf, ownerTag } from '../../files/temporary.js';

/** Partial files this process is writing. */
const active = new Set<string>();

/**
 * A file of our own to download into: what a process that is gone left of the same content, taken over by renaming
 * it (which only one process can succeed in), else a new name. Its name is
 * `TARGET.<digest>.<owner tag>.incomplete`.
 */
export async function claimPartial(
  target: string,
  digest: string,
): Promise<{ path: string; release(): void }> {
  const folder = dirname(target);
  const stem = `${basename(target)}.${digest.slice(0, 16)}.`;
  const path = join(folder, `${stem}${ownerTag()}.incomplete`);
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

/** Returns false if the file is left over: its process is gone, or is this one and has let it go. */
function isBusy(path: string, stem: string): boolean {
  if (active.has(path)) return true;
  const owner = ownerOf(basename(path).slice(stem.length, -'.incomplete'.length));
  return owner !== 'gone' && owner !== 'self';
}
