import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Interrupted, RunError, UserError } from '../../errors.js';
import type { AuditExtract, LastReport } from '../metrics/extract.js';
import type { AuditTask, FromJob, Task, ToJob } from './messages.js';

/** Time that a cancelled job may take to end by itself. */
const PATIENCE_MILLISECONDS = 3000;

export interface JobListener {
  onMessage?: (message: FromJob) => void;
  signal?: AbortSignal;
}

/**
 * Runs an audit in a process of its own.
 *
 * @throws UserError or RunError with the job's own sentence; Interrupted when `signal` is aborted.
 */
export async function runAudit(task: AuditTask, listener: JobListener): Promise<AuditExtract> {
  return expected(await runTask(task, listener), 'extracted').extract;
}

/**
 * Makes the extract of a report file, compared with the reports before it; `null` when the file is no report.
 */
export async function runExtract(reportPath: string, previous: LastReport[]): Promise<AuditExtract | null> {
  return runTask({ kind: 'extract', reportPath, previous }).then(
    (answer) => expected(answer, 'extracted').extract,
    (error) => {
      if (error instanceof UserError || error instanceof RunError) return null;
      throw error;
    },
  );
}

/**
 * Compares two report files; gives the diff report as JSON.
 *
 * @throws UserError for reports that cannot be compared.
 */
export async function runDiff(oldPath: string, newPath: string): Promise<string> {
  return expected(await runTask({ kind: 'diff', oldPath, newPath }), 'compared').diff;
}

function runTask(task: Task, { onMessage, signal }: JobListener = {}): Promise<FromJob> {
  if (signal?.aborted) return Promise.reject(cancelled());
  const child = fork(processPath(), [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  alive.add(child);
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-4000);
  });
  const send = (message: ToJob) => void child.send(message, () => {});
  let timer: NodeJS.Timeout | undefined;
  const cancel = () => {
    send({ kind: 'cancel' });
    timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MILLISECONDS);
  };
  signal?.addEventListener('abort', cancel, { once: true });
  return new Promise<FromJob>((resolve, reject) => {
    let answer: FromJob | Error | undefined;
    child.on('message', (message: FromJob) => {
      const { kind } = message;
      if (kind === 'progress' || kind === 'stage' || kind === 'sites') return onMessage?.(message);
      answer = outcome(message);
      child.kill('SIGKILL'); // it has nothing left to do
    });
    child.on('error', (error) => {
      answer ??= new RunError(`The job's process could not be started: ${error.message}`);
      if (child.pid === undefined) reject(answer);
    });
    child.on('close', (code, killedBy) => {
      alive.delete(child);
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      if (signal?.aborted) return reject(cancelled());
      if (answer === undefined) return reject(died(code, killedBy, log));
      if (answer instanceof Error) reject(answer);
      else resolve(answer);
    });
    send({ kind: 'task', task });
  });
}

function outcome(message: FromJob): FromJob | Error {
  if (message.kind === 'failed') {
    return message.bug ? new RunError(message.message) : new UserError(message.message, 'job-failed');
  }
  return message.kind === 'interrupted' ? cancelled() : message;
}

function cancelled(): Interrupted {
  return new Interrupted('The audit was cancelled.');
}

function died(code: number | null, signal: string | null, log: string): RunError {
  const why =
    signal === 'SIGKILL' ? 'it was killed, most likely because memory ran out' : (signal ?? `code ${code}`);
  const lastLine = log.trim().split('\n').at(-1)?.slice(0, 300);
  return new RunError(`The job's process ended unexpectedly: ${why}${lastLine ? `: ${lastLine}` : ''}.`);
}

function expected<K extends FromJob['kind']>(answer: FromJob, kind: K): Extract<FromJob, { kind: K }> {
  if (answer.kind !== kind) throw new Error(`The job's process answered ${answer.kind} instead of ${kind}.`);
  return answer as Extract<FromJob, { kind: K }>;
}

/** Path of the compiled module, also where this file runs from TypeScript source, as in the tests. */
function processPath(): string {
  const isSource = import.meta.url.endsWith('.ts');
  const path = fileURLToPath(
    new URL(isSource ? '../../../dist/src/exporter/job/process.js' : './process.js', import.meta.url),
  );
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`npm run build\``);
  return path;
}

/** Jobs that run. Whatever way this process exits, none of them stays. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
