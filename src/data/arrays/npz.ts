import { readFile } from 'node:fs/promises';
import { type UnzipFileInfo, unzipSync } from 'fflate';
import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { unreadable } from '../text/lines.js';
import { parseNpy } from './npy.js';

/**
 * An archive that unpacks to more than this, and to more than so many times its size, is refused before
 * anything is unpacked: half a megabyte of zeros can take the memory of the machine. Real data packs far
 * less, and an array of zeros can be written without compression.
 */
const MOST_UNPACKED_BYTES = 128 * 2 ** 20;
const MOST_UNPACKED_RATIO = 50;

/**
 * Reads all arrays of a .npz file (a zip of .npy files, stored or deflated) by name. The whole file is read
 * into memory.
 *
 * @throws UserError when it is missing, no zip, cut short, unpacks to far more than its size, or holds an
 *   array that cannot be read.
 */
export async function readNpz(path: string): Promise<Map<string, NdArray>> {
  const bytes = await readFile(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  if (bytes.length === 0) throw new UserError(`${path} is empty (0 bytes).`, 'data-empty');
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, { filter: withinBudget(path, bytes.length) });
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `${path} is not a whole .npz file (${(cause as Error).message}): it is damaged or cut short; write it again.`,
      'data-truncated',
      { cause },
    );
  }
  const arrays = new Map<string, NdArray>();
  for (const [file, content] of Object.entries(files)) {
    const name = file.slice(0, -'.npy'.length);
    arrays.set(name, parseNpy(content, `Array "${name}" of ${path}`));
  }
  if (arrays.size === 0) throw new UserError(`${path} holds no .npy arrays.`, 'data-empty');
  return arrays;
}

/**
 * Takes the arrays of an archive as long as their sizes, by the archive's directory, stay within the budget.
 */
function withinBudget(path: string, packedBytes: number): (file: UnzipFileInfo) => boolean {
  const budget = Math.max(MOST_UNPACKED_BYTES, MOST_UNPACKED_RATIO * packedBytes);
  let total = 0;
  return ({ name, originalSize }) => {
    if (!name.endsWith('.npy')) return false;
    total += originalSize;
    if (total <= budget) return true;
    throw new UserError(
      `${path} has ${packedBytes.toLocaleString('en-US')} bytes and unpacks to more than ` +
        `${budget.toLocaleString('en-US')}: write it without compression (numpy.savez) if that is meant.`,
      'data-too-large',
    );
  };
}
