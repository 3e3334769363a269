import {
  closeSync,
  constants,
  fstatSync,
  promises as nodeFiles,
  openSync,
  readFileSync,
  type Stats,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../errors.js';
import { cannotRead, hasCode } from './reasons.js';

/** A pipe has no size to check beforehand; what comes through one is held in memory twice. */
const MAX_PIPE_BYTES = 128 * 2 ** 20;

/** Time limits for pipes, in seconds. */
interface PipeLimits {
  /** Until somebody opens the other end: a shell's `<(…)` has opened it already. */
  writer: number;
  /** Without a byte, while the other end is open: a download through a pipe may pause. */
  silence: number;
}

const LIMITS: PipeLimits = { writer: 5, silence: 30 };

/** A named pipe that nobody writes to would block the opening for ever. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Between two looks at a pipe that has nothing to give. */
const POLL_MS = 20;

/** Bytes read at a time, at most. */
const CHUNK_BYTES = 1 << 20;

/**
 * Reads a whole file of at most `maxBytes`, or a pipe of at most 128 MiB.
 *
 * @throws UserError for what is missing, neither of the two, or larger; and for a pipe that nobody writes to
 *   for five seconds, or that pauses for thirty.
 */
export async function readLimited(path: string, maxBytes: number, limits = LIMITS): Promise<Buffer> {
  const handle = await open(path);
  try {
    const stat = await handle.stat();
    if (stat.isFile()) {
      if (stat.size > maxBytes) throw tooLarge(path, maxBytes);
      // What the kernel makes up, such as the files in /proc, says that it is empty.
      return stat.size > 0 ? await handle.readFile() : await readAll(handle, path, maxBytes, null);
    }
    if (stat.isFIFO()) return await readAll(handle, path, Math.min(maxBytes, MAX_PIPE_BYTES), limits);
    throw wrongKind(path, stat, 'a file or a pipe');
  } catch (error) {
    throw error instanceof UserError ? error : cannotRead(path, error);
  } finally {
    await handle.close();
  }
}

/** Settings, secrets and the like are small. */
const MAX_SMALL_BYTES = 2 ** 20;

/**
 * Reads a small text file, such as one of settings, at once.
 *
 * @throws UserError for what is missing, larger than 1 MiB, or no regular file.
 */
export function readSmallFile(path: string): string {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, OPEN_FLAGS);
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw wrongKind(path, stat, 'a file');
    if (stat.size > MAX_SMALL_BYTES) throw tooLarge(path, MAX_SMALL_BYTES);
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    throw error instanceof UserError ? error : cannotRead(path, error);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

async function open(path: string): Promise<FileHandle> {
  try {
    return await nodeFiles.open(path, OPEN_FLAGS);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** @param pipe Time limits; `null` for a file, whose end is its end. */
async function readAll(
  handle: FileHandle,
  path: string,
  maxBytes: number,
  pipe: PipeLimits | null,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  let waitedMs = 0;
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    const got = await readSome(handle, buffer);
    if (got !== null && got > 0) {
      total += got;
      if (total > maxBytes) throw tooLarge(path, maxBytes);
      chunks.push(Buffer.from(buffer.subarray(0, got)));
      waitedMs = 0;
      continue;
    }
    if (got === 0 && (pipe === null || total > 0)) return Buffer.concat(chunks, total);
    const limitSeconds = (got === null ? pipe?.silence : pipe?.writer) ?? 0;
    if (waitedMs >= 1000 * limitSeconds) throw silent(path, limitSeconds);
    await sleep(POLL_MS);
    waitedMs += POLL_MS;
  }
}

/**
 * Bytes read; 0 at the end, or when nobody has opened a pipe for writing; `null` when there are none at the
 * moment.
 */
async function readSome(handle: FileHandle, buffer: Buffer): Promise<number | null> {
  try {
    return (await handle.read(buffer, 0, buffer.length, null)).bytesRead;
  } catch (error) {
    if (hasCode(error, 'EAGAIN')) return null;
    throw error;
  }
}

function wrongKind(path: string, stat: Stats, expected: string): UserError {
  const found = stat.isDirectory() ? 'a folder' : stat.isFIFO() ? 'a pipe' : 'a device or a socket';
  return new UserError(
    `Expected \`${path}\` to be ${expected}, found ${found}.`,
    stat.isDirectory() ? 'file-is-folder' : 'cannot-read',
  );
}

function tooLarge(path: string, maxBytes: number): UserError {
  return new UserError(
    `Expected \`${path}\` to have at most ${maxBytes.toLocaleString('en-US')} bytes, found more.`,
    'file-too-large',
  );
}

function silent(path: string, seconds: number): UserError {
  return new UserError(
    `Expected data from the pipe \`${path}\`, found none for ${seconds} s: check the program that writes to it.`,
    'cannot-read',
  );
}
