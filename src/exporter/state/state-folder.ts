import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../../errors.js';
import { cannotWrite } from '../../files/reasons.js';
import { HEARTBEAT_MILLISECONDS, type Lock, takeLock } from './lock.js';

/** The state folder while this server owns it. */
export interface StateFolder {
  readonly path: string;
  /** Says why the folder cannot be written now; `null` if it can. */
  problem(): string | null;
  /**
   * Runs a write.
   *
   * @throws UserError with code `state-unwritable` when the file system refuses it; `problem` says so from
   *   then on.
   */
  write<T>(write: () => T): T;
  /** Gives the folder free for another server. */
  close(): void;
}

/** Size of the file that is written with each heartbeat: a disk that takes less takes no report either. */
const PROBE_BYTES = 65_536;

/**
 * Takes the state folder for this server, removes the temporary files of servers that were killed, and keeps
 * looking whether the folder can be written.
 *
 * @throws UserError when the folder cannot be written, or another server uses it.
 */
export async function openStateFolder(folder: string): Promise<StateFolder> {
  const path = resolve(folder);
  let problem: string | null = null;
  const write = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      const refusal = refusalOf(path, error);
      if (refusal instanceof UserError) problem = refusal.message;
      throw refusal;
    }
  };
  const lock = await openLock(path);
  try {
    write(() => probe(path));
    write(() => removeTemporaries(path));
  } catch (error) {
    lock.release();
    throw error;
  }
  const timer = setInterval(() => {
    try {
      write(() => lock.beat());
      write(() => probe(path));
      problem = null;
    } catch (error) {
      problem = (error as Error).message;
    }
  }, HEARTBEAT_MILLISECONDS);
  timer.unref();
  return {
    path,
    // Whoever asks whether the server is ready need not know where it keeps its reports.
    problem: () => problem?.replace(` \`${path}\``, '') ?? null,
    write,
    close: () => {
      clearInterval(timer);
      lock.release();
    },
  };
}

async function openLock(path: string): Promise<Lock> {
  try {
    mkdirSync(path, { recursive: true });
    return await takeLock(path);
  } catch (error) {
    throw refusalOf(path, error);
  }
}

/** Writes and removes a file that is large enough to need space of its own. */
function probe(folder: string): void {
  const file = join(folder, '.probe.tmp');
  try {
    writeFileSync(file, Buffer.alloc(PROBE_BYTES, 1));
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * Removes the temporary files below the folder; whoever wrote them is gone, since this server holds the lock.
 */
function removeTemporaries(folder: string): void {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const { name, parentPath } of entries) {
    if (/^\..*\.tmp$/.test(name)) rmSync(join(parentPath, name), { recursive: true, force: true });
  }
}

/** Gives a UserError for what the file system refuses; any other error as it is. */
function refusalOf(path: string, error: unknown): unknown {
  const isRefusal = error instanceof UserError && error.code === 'cannot-write';
  const cause = isRefusal ? error.cause : error;
  const refusal = cannotWrite(path, cause);
  if (!(refusal instanceof UserError) || refusal === error) return error;
  return new UserError(`The state folder ${refusal.message}`, 'state-unwritable', { cause });
}
