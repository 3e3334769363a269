import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const main = `${root}dist/src/cli/main.js`;

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** From the start to the end. */
  milliseconds: number;
}

interface Options {
  cwd?: string;
  env?: Record<string, string>;
  /** Called once the process has started. */
  started?: (child: ChildProcess) => void;
}

/** Runs the built command line as a user's shell would, without a terminal. */
export function audit(args: string[], { cwd = root, env = {}, started }: Options = {}): Promise<Ended> {
  const begun = performance.now();
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  started?.(child);
  return new Promise((resolve) => {
    child.on('close', (exitCode) =>
      resolve({ exitCode, stdout, stderr, milliseconds: performance.now() - begun }),
    );
  });
}

/** Process ids of the children of a process (Linux). */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
}

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return 0; // it has just ended
  }
}
