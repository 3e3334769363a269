import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { UserError } from '../errors.js';
import { writeAtomically } from './atomic.js';
import { readLimited } from './read-limited.js';
import { hasCode } from './reasons.js';

/** V8 makes no longer string. */
const MAX_TEXT_BYTES = 2 ** 29 - 25;

/**
 * A gzip file may unpack to this many times its size, and to `MIN_UNPACKED_BYTES` anyway. A report shrinks to
 * a fifth or a tenth; a file that is made to fill the memory, to a thousandth.
 */
const MAX_UNPACKED_RATIO = 20;
const MIN_UNPACKED_BYTES = 16 * 2 ** 20;

/**
 * Writes a text file so that it is there whole or not at all. A name ending in `.gz` is compressed. A device
 * or pipe (`/dev/stdout`) is written as it is.
 *
 * @throws UserError when the folder is missing or cannot be written.
 */
export async function writeTextFile(path: string, text: string): Promise<void> {
  await writeAtomically(path, path.endsWith('.gz') ? await promisify(gzip)(text) : text);
}

/**
 * Reads a text file, or a pipe (`<(…)` in a shell). Compressed ones are recognised by their first bytes.
 *
 * @throws UserError when it is missing, a folder or a device, too large, or a damaged gzip file; when a pipe
 *   stays silent.
 */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readLimited(path, MAX_TEXT_BYTES);
  return isGzip(bytes) ? (await unpack(path, bytes)).toString('utf8') : bytes.toString('utf8');
}

const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function unpack(path: string, bytes: Buffer): Promise<Buffer> {
  const allowed = Math.min(MAX_TEXT_BYTES, Math.max(MIN_UNPACKED_BYTES, MAX_UNPACKED_RATIO * bytes.length));
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: allowed });
  } catch (error) {
    if (hasCode(error, 'ERR_BUFFER_TOO_LARGE')) {
      throw new UserError(
        `\`${path}\` has ${bytes.length.toLocaleString('en-US')} bytes and unpacks to more than ${allowed.toLocaleString('en-US')}: that is no report but a file made to fill the memory. If it is yours, unpack it with \`gunzip\` first.`,
        'file-too-large',
        { cause: error },
      );
    }
    throw new UserError(
      `\`${path}\` is a gzip file that cannot be unpacked: it is cut short or damaged; write or copy it again.`,
      'file-truncated',
      { cause: error },
    );
  }
}
