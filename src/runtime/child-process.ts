import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { RunError } from '../errors.js';

/** How a process came to its end, and the last it wrote to stderr. */
export interface Death {
  code: number | null;
  signal: NodeJS.Signals | null;
  log: string;
}

export interface Child {
  readonly pid: number;
  send(message: object): void;
  /** SIGKILL, which also ends a process that is blocked in native code; done when it is gone. */
  kill(): Promise<void>;
  readonly death: Promise<Death>;
}

/** Starts the session's process. `onMessage` gets its answers. */
export function startChild(onMessage: (message: unknown) => void): Child {
  const process_ = fork(childPath(), [String(process.pid)], {
    serialization: 'advanced', // typed arrays arrive as typed arrays
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  });
  alive.add(process_);
  process_.on('message', onMessage);
  const death = endOf(process_);
  return {
    pid: process_.pid ?? 0,
    // A failed send means that the process is ending, and then `death` tells more.
    send: (message) => void process_.send(message, () => {}),
    kill: async () => {
      process_.kill('SIGKILL');
      await death;
    },
    death,
  };
}

function endOf(process_: ChildProcess): Promise<Death> {
  let log = '';
  process_.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-keptLogCharacters);
  });
  return new Promise((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      alive.delete(process_);
      resolve({ code, signal, log: stripVTControlCharacters(log) });
    };
    process_.on('close', end); // unlike `exit`, after all of stderr was read
    process_.on('error', (error) => {
      log += error.message;
      if (process_.pid === undefined) end(null, null);
    });
  });
}

const keptLogCharacters = 8192;

/** One sentence on a process that ended by itself. */
export function deathError({ code, signal, log }: Death): RunError {
  const lastWords = log.trim().split('\n').at(-1)?.slice(0, 200);
  const said = lastWords ? `: ${lastWords}` : '';
  if (signal === 'SIGKILL') {
    return new RunError(
      "The session's process ended unexpectedly (signal SIGKILL), most likely because memory ran out: use a smaller `--batch-size` or `--seq-len`.",
    );
  }
  if (signal !== null) return new RunError(`The session's process crashed (signal ${signal})${said}`);
  if (code === null) return new RunError(`The session's process could not be started${said}`);
  return new RunError(`The session's process ended unexpectedly (exit code ${code})${said}`);
}

/** Also where this file runs from TypeScript source, as in the tests, the child is the compiled one. */
function childPath(): string {
  const fromSource = import.meta.url.endsWith('.ts');
  const path = fileURLToPath(
    new URL(fromSource ? '../../dist/src/runtime/child.js' : './child.js', import.meta.url),
  );
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`npm run build\``);
  return path;
}

/** Whatever way this process exits, no child stays behind. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const process_ of alive) process_.kill('SIGKILL');
});
