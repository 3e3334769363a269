import { randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { UserError } from '../errors.js';
import { packageFolder } from '../files/package.js';
import { cannotWrite } from '../files/reasons.js';

/** Files and folders to copy: all but the code that makes the dashboards. */
const PARTS = [
  'dashboards',
  'alerts',
  'provisioning',
  'prometheus',
  'alertmanager',
  'kubernetes',
  'compose.yaml',
  'Dockerfile',
  'RUNBOOK.md',
];

/**
 * Writes dashboards, alerts, provisioning, compose file and Kubernetes example into a folder, and a fresh
 * token for the compose file unless there is one. Gives the paths of what was written, below the folder.
 *
 * @throws UserError when the folder cannot be written, or holds other files of these names and `force` is not
 *   given.
 */
export async function exportGrafana(folder: string, { force = false } = {}): Promise<string[]> {
  const source = join(packageFolder, 'grafana');
  const kept = PARTS.map((part) => join(folder, part));
  const taken = (await Promise.all(kept.map(exists))).flatMap((isThere, i) => (isThere ? [PARTS[i]!] : []));
  if (taken.length > 0 && !force) {
    throw new UserError(
      `\`${folder}\` already holds ${taken.slice(0, 3).join(', ')}: take another folder, or \`force=true\` to write over them.`,
      'export-exists',
      { settings: ['force'] },
    );
  }
  try {
    await mkdir(join(folder, 'secrets'), { recursive: true, mode: 0o700 });
    for (const part of PARTS) await cp(join(source, part), join(folder, part), { recursive: true });
    const token = join(folder, 'secrets/token');
    // The container's user must be able to read it; the folder keeps other users of this machine out.
    if (!(await exists(token)))
      await writeFile(token, `${randomBytes(24).toString('hex')}\n`, { mode: 0o644 });
  } catch (cause) {
    throw cannotWrite(folder, cause);
  }
  const written = await Promise.all(PARTS.map((part) => filesAt(join(folder, part))));
  return [...written.flat(), join(folder, 'secrets/token')].map((file) => relative(folder, file)).sort();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function filesAt(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
