import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UserError } from '../../errors.js';

/** Length at which lines are cut, at a space where there is one, so that one line cannot fill the memory. */
const longestLine = 65_536;

/**
 * Returns a rough lower bound of the bytes of text in a file: its size, or three times that when gzipped.
 *
 * @throws UserError when the file is missing, a folder, or empty.
 */
export async function fileBytes(path: string): Promise<number> {
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause);
  });
  if (info.isDirectory()) {
    throw new UserError(`Expected a file, found the folder ${path}.`, 'data-is-folder');
  }
  if (info.size === 0) throw new UserError(`${path} is empty (0 bytes).`, 'data-empty');
  return path.toLowerCase().endsWith('.gz') ? info.size * 3 : info.size;
}

/**
 * Reads the lines of a text file in chunks, each line with its `\n` (`\r\n` becomes `\n`), unzipped on the
 * way.
 *
 * @throws UserError when the file cannot be read, is cut short (gzip), or is not text.
 */
export async function* fileLines(path: string): AsyncGenerator<string[]> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let first = true;
  try {
    for await (const bytes of byteStream(path)) {
      if (first && (bytes as Buffer).includes(0)) {
        throw new UserError(`${path} is not text: it holds zero bytes.`, 'data-not-text');
      }
      first = false;
      const { lines, rest: left } = splitLines(rest + decoder.decode(bytes as Buffer, { stream: true }));
      rest = left;
      if (lines.length > 0) yield lines;
    }
  } catch (cause) {
    throw cause instanceof UserError ? cause : unreadable(path, cause as NodeJS.ErrnoException);
  }
  rest += decoder.decode();
  if (rest !== '') yield [rest];
}

/**
 * Reads the bytes of a file, unzipped if its name ends in `.gz`. Errors reach the reader; leaving early
 * closes the file.
 */
function byteStream(path: string): NodeJS.ReadableStream {
  const file = createReadStream(path);
  return path.toLowerCase().endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file;
}

/**
 * Splits text into complete lines and the rest after the last of them. Lines above `longestLine` come in
 * pieces.
 */
function splitLines(text: string): { lines: string[]; rest: string } {
  const lines: string[] = [];
  let start = 0;
  for (;;) {
    const end = text.indexOf('\n', start) + 1;
    const stop = end > 0 ? end : text.length;
    while (stop - start > longestLine) {
      const cut = cutBefore(text, start);
      lines.push(text.slice(start, cut));
      start = cut;
    }
    if (end === 0) return { lines, rest: text.slice(start) };
    const carriage = end - start > 1 && text.charCodeAt(end - 2) === 13;
    lines.push(carriage ? `${text.slice(start, end - 2)}\n` : text.slice(start, end));
    start = end;
  }
}

/**
 * Returns the place to cut a line that starts at `start` and is longer than `longestLine`. It depends on that
 * piece alone.
 */
function cutBefore(text: string, start: number): number {
  const space = text.lastIndexOf(' ', start + longestLine - 1);
  if (space > start) return space;
  const end = start + longestLine;
  return isLowSurrogate(text.charCodeAt(end)) ? end - 1 : end;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** Returns the error for a file that cannot be read, in one sentence. */
export function unreadable(path: string, cause: NodeJS.ErrnoException): UserError {
  if (cause.code === 'ENOENT') return new UserError(`There is no file ${path}.`, 'data-missing', { cause });
  if (cause.code === 'EISDIR') {
    return new UserError(`Expected a file, found the folder ${path}.`, 'data-is-folder', { cause });
  }
  if (cause.code?.startsWith('Z_')) {
    return new UserError(
      `${path} is not a whole gzip file (${cause.message}): it is damaged or cut short; copy it again.`,
      'data-truncated',
      { cause },
    );
  }
  return new UserError(`${path} cannot be read: ${cause.message}.`, 'data-unreadable', { cause });
}
