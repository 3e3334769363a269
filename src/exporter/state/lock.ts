import { existsSync, readFileSync, readlinkSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../errors.js';

/** Time between two heartbeats of the server that holds the lock. */
export const HEARTBEAT_MILLISECONDS = 2000;

/** Time after which a lock of another machine or container is stale if its heartbeat does not move. */
const PATIENCE_MILLISECONDS = 3 * HEARTBEAT_MILLISECONDS + 1000;

/** The process that holds a lock. */
interface Holder {
  pid: number;
  /**
   * Start of the process in the kernel's words; a new process with an old one's id differs. `null`: not
   * known.
   */
  processStart: string | null;
  /** Machine and container: a process id says nothing outside of it. */
  space: string;
}

/** The lock of a state folder while this process holds it. */
export interface Lock {
  /** Shows other machines that the holder lives. @throws an error of the file system. */
  beat(): void;
  release(): void;
}

/**
 * Takes the lock of a state folder. The lock of a process that has ended is stale and is replaced; where that
 * cannot be seen, since the process is on another machine or in another container, its heartbeat is watched
 * for a while.
 *
 * @throws UserError when another server holds the lock; an error of the file system when the folder cannot be
 *   written.
 */
export async function takeLock(state: string, patience = PATIENCE_MILLISECONDS): Promise<Lock> {
  const path = join(state, 'lock.json');
  const own: Holder = { pid: process.pid, processStart: processStart(process.pid), space: processSpace() };
  const text = JSON.stringify(own);
  while (!create(path, text)) {
    const found = read(path);
    if (found === null) continue; // it was released in between
    if (await isHeld(path, found, own.space, patience)) throw inUse(state, found);
    if (read(path) === found) rmSync(path, { force: true });
  }
  return {
    beat: () => {
      // A lock that somebody deleted is written again. Where the folder is gone, too, this throws.
      if (!existsSync(path) && create(path, text)) return;
      const found = readFileSync(path, 'utf8');
      if (found !== text) throw inUse(state, found);
      const now = new Date();
      utimesSync(path, now, now);
    },
    release: () => {
      if (read(path) === text) rmSync(path, { force: true });
    },
  };
}

function create(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

async function isHeld(path: string, text: string, ownSpace: string, patience: number): Promise<boolean> {
  const holder = parse(text);
  if (holder?.space === ownSpace) return isAlive(holder);
  const modified = () => statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  const before = modified();
  await sleep(patience);
  return modified() !== before;
}

/** Reads a lock; `null` for text that a killed process left half-written. */
function parse(text: string): Holder | null {
  try {
    const { pid, processStart, space } = JSON.parse(text) as Partial<Holder>;
    const isWhole = Number.isInteger(pid) && typeof space === 'string';
    return isWhole ? { pid: pid!, processStart: processStart ?? null, space: space! } : null;
  } catch {
    return null;
  }
}

function isAlive({ pid, processStart: start }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return start === null || processStart(pid) === start;
}

/**
 * Gives the time at which a process started, in clock ticks since the machine booted (Linux); `null`
 * elsewhere.
 */
function processStart(pid: number): string | null {
  // The name, in parentheses, may hold anything; the start is the 20th field after it (proc_pid_stat(5)).
  return read(`/proc/${pid}/stat`)?.replace(/^.*\)/s, '').trim().split(' ')[19] ?? null;
}

/** Names what process ids belong to: this boot of this machine and, on Linux, this container. */
function processSpace(): string {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux: the machine's name has to do.
  }
  return [hostname(), boot, namespace].filter((part) => part !== '').join(' ');
}

function inUse(state: string, text: string): UserError {
  const pid = parse(text)?.pid;
  return new UserError(
    `Another server${pid === undefined ? '' : ` (process ${pid})`} uses the state folder \`${state}\`: stop it, or give this one a folder of its own with \`state\`.`,
    'state-in-use',
    { settings: ['state'] },
  );
}
