import { UserError } from '../../errors.js';
import { writeTextFile } from '../../files/text-files.js';

/**
 * Checks the name of a textfile.
 *
 * @throws UserError for a name that does not end in `.prom`: node_exporter's textfile collector would never read it.
 */
export function checkTextfile(path: string): void {
  if (path.endsWith('.prom') || path.startsWith('/dev/')) return;
  throw new UserError(
    `Expected \`--textfile\` to end in \`.prom\`, got \`${path}\`: node_exporter reads no other file.`,
    'textfile-name',
  );
}

/** Writes metrics for node_exporter's textfile collector, whole or not at all. */
export async function writeMetricsTextfile(path: string, exposition: string): Promise<void> {
  checkTextfile(path);
  await writeTextFile(path, exposition);
}
