import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder, from the sources as from the build. */
export const packageFolder: string = findPackageFolder(dirname(fileURLToPath(import.meta.url)));

/** `tool` in reports. */
export const tool: { name: string; version: string } = (() => {
  const { name, version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  return { name, version };
})();

function findPackageFolder(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findPackageFolder(dirname(folder));
}
