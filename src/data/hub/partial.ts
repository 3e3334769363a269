import { readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ownerOf, ownerTag } from '../../files/temporary.js';

/** Partial files this process is writing. */
const active = new Set<string>();

/**
 * Returns a file to download into, `TARGET.<digest>.<owner tag>.incomplete`. If a process that is gone has
 * left a part of the same content, that file is taken over by renaming it, in which only one process can
 * succeed. Otherwise the name is new.
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
