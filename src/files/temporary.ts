import { randomBytes } from 'node:crypto';
import { promises as nodeFiles } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A name beside a file or folder that is to be made, for it until it is complete: it tells which process makes it. */
export function temporaryName(target: string): string {
  return join(dirname(target), `.${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
}

/** Removes what killed processes left of the same target: temporary files and folders whose process is gone. */
export async function removeStale(
  target: string,
  files: Pick<typeof nodeFiles, 'readdir' | 'rm'> = nodeFiles,
): Promise<void> {
  const names = await files.readdir(dirname(target)).catch(() => []);
  for (const name of names) {
    const rest = name.startsWith(`.${basename(target)}.`) ? name.slice(basename(target).length + 2) : '';
    const [, pid] = /^(\d+)-[0-9a-f]{8}\.tmp$/.exec(rest) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) {
      await files.rm(join(dirname(target), name), { recursive: true, force: true }).catch(() => {});
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
