import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import { writeTextFile } from '../files/text-files.js';
import { renderFigure } from './figure-svg.js';
import { type FigureOptions, figures } from './figures.js';
import type { Simulator } from './simulator.js';

/**
 * Writes `figure-N.json` and `figure-N.svg` for each figure of the paper, and returns their paths.
 *
 * @throws UserError when the folder cannot be made.
 */
export async function writeFigures(
  simulator: Simulator,
  folder: string,
  options: FigureOptions,
): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const settings = ['figures'];
    throw new UserError(`\`figures=${folder}\` cannot be made a folder.`, 'cannot-write', {
      settings,
      cause,
    });
  }
  const written: string[] = [];
  for (const figure of await figures(simulator, options)) {
    const path = join(folder, `figure-${figure.figure}`);
    await writeTextFile(`${path}.json`, `${JSON.stringify(figure, null, 1)}\n`);
    await writeTextFile(`${path}.svg`, await renderFigure(figure));
    written.push(`${path}.json`, `${path}.svg`);
  }
  return written;
}
