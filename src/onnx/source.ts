import { closeSync, openSync, readSync } from 'node:fs';
import { UserError } from '../errors.js';

/** Bytes read at a time. Payloads are skipped by seeking, so a window is all that a large tensor costs. */
const WINDOW_BYTES = 64 * 1024;

/**
 * Random access to bytes through a window. `window` holds `[windowStart, windowStart + window.length)`; it is
 * overwritten by the next `load`, so whoever keeps bytes copies them.
 */
export interface Source {
  /** Name in messages. */
  readonly name: string;
  /** Absolute path, without symbolic links; `null` for bytes in memory. */
  readonly file: string | null;
  readonly sizeBytes: number;
  window: Uint8Array;
  windowStart: number;
  /** Moves the window so that it starts at `at`, which lies in the source. */
  load(at: number): void;
  /** A copy of bytes `[start, end)`. @throws UserError when the file has become shorter. */
  copy(start: number, end: number): Uint8Array;
  close(): void;
}

/** A source over bytes in memory; its copies are views. */
export function memorySource(bytes: Uint8Array, name: string): Source {
  return {
    name,
    file: null,
    sizeBytes: bytes.length,
    window: bytes,
    windowStart: 0,
    load() {},
    copy: (start, end) => bytes.subarray(start, end),
    close() {},
  };
}

/** A source over a file of known size, read by `pread` in windows of 64 KiB. */
export function fileSource(file: string, name: string, sizeBytes: number): Source {
  const descriptor = open(file, name);
  const buffer = new Uint8Array(WINDOW_BYTES);
  const source: Source = {
    name,
    file,
    sizeBytes,
    window: buffer.subarray(0, 0),
    windowStart: 0,
    load(at) {
      const wanted = Math.min(WINDOW_BYTES, sizeBytes - at);
      readExactly(descriptor, buffer.subarray(0, wanted), at, name);
      source.window = buffer.subarray(0, wanted);
      source.windowStart = at;
    },
    copy(start, end) {
      const offset = start - source.windowStart;
      if (offset >= 0 && end - source.windowStart <= source.window.length) {
        return source.window.slice(offset, offset + (end - start));
      }
      const bytes = new Uint8Array(end - start);
      readExactly(descriptor, bytes, start, name);
      return bytes;
    },
    close: () => closeSync(descriptor),
  };
  return source;
}

/** Bytes `[start, end)` of a file. @throws UserError when the file is shorter. */
export function readFileRange(file: string, start: number, end: number): Uint8Array {
  const descriptor = open(file, file);
  try {
    const bytes = new Uint8Array(end - start);
    readExactly(descriptor, bytes, start, file);
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

function open(file: string, name: string): number {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UserError(`\`${name}\` cannot be opened: ${code ?? String(cause)}.`, 'file-unreadable', {
      cause,
    });
  }
}

/** Fills `into` from byte `start` of an open file. @throws UserError when the file ends before. */
function readExactly(descriptor: number, into: Uint8Array, start: number, name: string): void {
  let done = 0;
  while (done < into.length) {
    // One read call returns at most 2 GiB.
    const wanted = Math.min(into.length - done, 1 << 30);
    const got = readSync(descriptor, into, done, wanted, start + done);
    if (got === 0) {
      throw new UserError(
        `\`${name}\` ends at byte ${(start + done).toLocaleString('en-US')} while it is being read: it became shorter; export or download it again.`,
        'file-truncated',
      );
    }
    done += got;
  }
}
