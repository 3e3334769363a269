import { basename, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import type { BytePatch } from '../../files/patch.js';
import type { OpenedModel } from '../../onnx/skeleton.js';
import { hashChanges } from '../changed-files.js';
import type { Destination } from '../destination.js';
import { copiesBeside, copiesInPlace, writeCopies } from '../model-copy.js';
import type { FlipReport } from './schema.js';

/**
 * Writes a model with negated weights. In place the one file that changes is replaced by its copy, so that a
 * kill leaves the old file or the new one.
 *
 * @param patches One for each tensor, in any order.
 * @throws UserError when the disk refuses, or the output's external data would be written over another file.
 */
export async function writeFlipped(
  opened: OpenedModel,
  to: Destination,
  patches: readonly BytePatch[],
  signal: AbortSignal,
): Promise<NonNullable<FlipReport['output']>> {
  const inPlace = 'inPlace' in to;
  const path = inPlace ? opened.path : resolve(to.output);
  const sorted = [...patches].sort((a, b) => a.offsetBytes - b.offsetBytes);
  const copies = inPlace ? copiesInPlace(opened, sorted) : copiesBeside(opened, sorted, path);
  const changed = copies.filter((copy) => copy.patches.length > 0);
  if (inPlace && changed.length > 1) {
    throw new UserError(
      `The weights to negate lie in ${changed.length} files, which cannot be replaced at one moment: write to another folder with \`output\`.`,
      'in-place-several-files',
      { settings: ['output'] },
    );
  }
  const nameOf = (copy: (typeof copies)[number]) => (copy.isRenamed ? basename(copy.path) : copy.source.name);
  const files = await hashChanges(copies, nameOf, signal);
  if (!inPlace) await writeCopies(path, copies);
  else if (changed.length > 0) await writeCopies(path, changed);
  return { path, files };
}
