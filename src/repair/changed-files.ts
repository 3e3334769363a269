import { z } from 'zod';
import { Interrupted } from '../errors.js';
import { hashWithPatches } from '../files/hash.js';
import type { BytePatch } from '../files/patch.js';
import { growthOf } from '../files/splice.js';
import { count } from '../report/schema.js';
import type { FileCopy } from './model-copy.js';

/** A file that a repair changed, with its SHA-256 before and after. */
export const changedFileSchema = z.object({
  name: z.string(),
  bytes: count,
  sha256: z.object({ before: z.string(), after: z.string() }),
});

export type ChangedFile = z.infer<typeof changedFileSchema>;

/**
 * Hashes the model file and every file with changed weights, as they are and as they will be. Each is read
 * once.
 *
 * @param nameOf Gives the name of a file in the result.
 * @returns One for each of `changedCopies`, in their order.
 * @throws Interrupted when the signal is aborted.
 */
export async function hashChanges(
  copies: readonly FileCopy[],
  nameOf: (copy: FileCopy) => string,
  signal?: AbortSignal,
): Promise<ChangedFile[]> {
  const hashed: ChangedFile[] = [];
  for (const copy of changedCopies(copies)) {
    const { source, patches, splices } = copy;
    const { now, patched } = await hashWithPatches(source.path, patches, { signal, splices }).catch(
      (error) => {
        throw signal?.aborted ? new Interrupted('Interrupted; nothing was written.') : error;
      },
    );
    hashed.push({
      name: nameOf(copy),
      bytes: source.bytes + growthOf(splices),
      sha256: { before: now, after: patched },
    });
  }
  return hashed;
}

/** Returns the model file, changed or not, and the other files whose weights change. */
export function changedCopies(copies: readonly FileCopy[]): FileCopy[] {
  return copies.filter(({ isModel, patches }) => isModel || patches.length > 0);
}

/** Counts the bytes that patches change. Several patches of one byte must be merged before. */
export function changedBytes(patches: readonly BytePatch[]): number {
  let changed = 0;
  for (const { before, after } of patches) {
    for (let i = 0; i < before.length; i++) if (before[i] !== after[i]) changed++;
  }
  return changed;
}
