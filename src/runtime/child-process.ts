import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { ProcessEnd } from './process-end.js';

/** The process that a session runs in, as its parent sees it. */
export interface SessionProcess {
  readonly pid: number;
  send(message: object): void;
  /**
   * Sends SIGKILL, which also ends a process that is blocked in native code. Resolves when the process is
   * gone.
   */
  kill(): Promise<void>;
  readonly ended: Promise<ProcessEnd>;
}

/** Starts a session's process. `onMessage` gets its answers. */
export function startSessionProcess(onMessage: (message: unknown) => void): SessionProcess {
  const child = fork(childPath(), [String(process.pid)], {
    serialization: 'advanced', // typed arrays arrive as typed arrays
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  });
  running.add(child);
  child.on('message', onMessage);
  const ended = endOf(child);
  return {
    pid: child.pid ?? 0,
    // A failed send means that the process is ending, and then `ended` tells more.
    send: (message) => void child.send(message, () => {}),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    ended,
  };
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-KEPT_LOG_CHARACTERS);
  });
  return new Promise((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      running.delete(child);
      resolve({ code, signal, log: stripVTControlCharacters(log) });
    };
    child.on('close', end); // unlike `exit`, after all of stderr was read
    child.on('error', (error) => {
      log += error.message;
      if (child.pid === undefined) end(null, null);
    });
  });
}

const KEPT_LOG_CHARACTERS = 8192;

/** The compiled module, even if this file runs from TypeScript source, as in the tests. */
function childPath(): string {
  const isSource = import.meta.url.endsWith('.ts');
  const path = fileURLToPath(
    new URL(isSource ? '../../dist/src/runtime/child.js' : './child.js', import.meta.url),
  );
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`npm run build\``);
  return path;
}

/** Processes that end with this one, whatever way it exits. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
