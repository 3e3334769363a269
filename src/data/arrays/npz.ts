import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { unreadable } from '../text/lines.js';
import { parseNpy } from './npy.js';

/**
 * All arrays of a .npz file (a zip of .npy files, stored or deflated) by name. The whole file is read into memory.
 *
 * @throws UserError when it is missing, no zip, cut short, or an array in it cannot be read.
 */
export async function readNpz(path: string): Promise<Map<string, NdArray>> {
  const bytes = await readFile(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  if (bytes.length === 0) throw new UserError(`${path} is empty (0 bytes).`, 'data-empty');
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, { filter: (file) => file.name.endsWith('.npy') });
  } catch (cause) {
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
