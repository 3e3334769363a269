import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../errors.js';

/**
 * The package's own folder: the nearest one upwards with a `package.json`, so from `src` and from `dist`
 * alike.
 */
export const packageFolder: string = findPackageFolder(dirname(fileURLToPath(import.meta.url)));

/** Name and version of this tool, as reports carry them. */
export const tool: { name: string; version: string } = readTool();

/**
 * Returns the path of a file that ships with the package, e.g. of `samples/text.txt`.
 *
 * @throws UserError when the installation lacks it.
 */
export function packageFile(path: string): string {
  const file = join(packageFolder, path);
  if (existsSync(file)) return file;
  throw new UserError(
    `Expected the package's own file \`${path}\` in \`${packageFolder}\`, found nothing: install activation-auditor again.`,
    'package-incomplete',
  );
}

function findPackageFolder(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findPackageFolder(dirname(folder));
}

function readTool(): { name: string; version: string } {
  const { name, version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  return { name, version };
}
