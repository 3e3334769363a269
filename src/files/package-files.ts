import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../errors.js';

/**
 * A file that ships with the package, e.g. `samples/text.txt`: found from this module upwards, so it works from
 * `src` and from `dist`.
 *
 * @throws UserError when the installation lacks it.
 */
export function packageFile(path: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, path);
    if (existsSync(candidate) && existsSync(join(folder, 'package.json'))) return candidate;
    if (folder === dirname(folder)) break;
    folder = dirname(folder);
  }
  throw new UserError(
    `The package's own file ${path} is missing: install activation-auditor again.`,
    'package-incomplete',
  );
}
