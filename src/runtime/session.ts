import { availableParallelism } from 'node:os';
import { RunError, SettingError } from '../errors.js';
import type { NdArray } from '../onnx/array.js';
import { startSessionProcess } from './child-process.js';
import { availableCores, mostThreads } from './cores.js';
import { loadError, runError } from './ort-errors.js';
import { interrupted, processEndError } from './process-end.js';
import type { Answer, NumberedRequest, Request } from './protocol.js';
import type { Device, RunRequest, Session, SessionOptions } from './types.js';

/**
 * Opens a model in a process of its own. An aborted `signal` kills that process at any time, and whatever
 * waits for it rejects with Interrupted.
 *
 * @throws UserError if ONNX Runtime rejects the model, the device does not work, or `threads` is out of
 *   bounds; RunError if memory runs out or the process dies.
 */
export async function openSession(
  options: SessionOptions,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Session> {
  const threads = checkedThreads(options.threads);
  if (signal?.aborted) throw interrupted();
  const waiting = new Map<number, (answer: Answer | Error) => void>();
  let lastId = 0;
  let ended: Error | undefined;
  let peakRssBytes = 0;
  /** The large arrays of the run before, which the process still holds. */
  let held: Record<string, NdArray> = {};

  const child = startSessionProcess((message) => {
    const answer = message as Answer;
    peakRssBytes = answer.peakRssBytes;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });

  /** Rejects every request that waits, and every later one, with `reason`. */
  function end(reason: Error): void {
    if (ended !== undefined) return;
    ended = reason;
    signal?.removeEventListener('abort', abort);
    for (const answer of waiting.values()) answer(reason);
    waiting.clear();
  }
  function abort(): void {
    end(interrupted());
    void child.kill();
  }
  async function ask(request: Request): Promise<Answer> {
    if (ended !== undefined) throw ended;
    const id = ++lastId;
    const answer = await new Promise<Answer | Error>((resolve) => {
      waiting.set(id, resolve);
      child.send({ id, request } satisfies NumberedRequest);
    });
    if (answer instanceof Error) throw answer;
    return answer;
  }
  async function dispose(): Promise<void> {
    end(new RunError('The session was closed.'));
    await child.kill();
  }

  signal?.addEventListener('abort', abort, { once: true });
  void child.ended.then((how) => end(processEndError(how)));

  const answer = await ask({ kind: 'open', options: { ...options, threads } });
  if ('error' in answer) {
    await dispose();
    const { log } = await child.ended;
    throw loadError(answer.error, log, options.device, options.name ?? 'the model');
  }

  return {
    async run(request: RunRequest): Promise<Record<string, NdArray>> {
      const unchanged = Object.keys(request.feeds).filter((name) => request.feeds[name] === held[name]);
      held = largeArrays(request.feeds);
      const changed = Object.entries(request.feeds).filter(([name]) => !unchanged.includes(name));
      const feeds = Object.fromEntries(changed);
      const answer = await ask({ kind: 'run', request: { ...request, feeds }, unchanged });
      if ('error' in answer) {
        held = {};
        throw runError(answer.error);
      }
      return expected(answer, 'result');
    },
    dispose,
    peakRssBytes: () => peakRssBytes,
    provider: providers[options.device],
    pid: child.pid,
    ...expected(answer, 'opened'),
  };
}

/**
 * Returns the number of threads; 0 becomes the quota of a control group, which ONNX Runtime does not know.
 */
function checkedThreads(threads: number): number {
  const most = mostThreads();
  if (!(Number.isInteger(threads) && threads >= 0 && threads <= most)) {
    throw new SettingError('threads', `a whole number from 0 to ${most}, the cores of this machine`, threads);
  }
  const cores = availableCores();
  return threads === 0 && cores < availableParallelism() ? cores : threads;
}

/**
 * Returns the arrays worth keeping in the process, such as a graph's edge list. Small ones are sent each
 * time.
 */
function largeArrays(feeds: Record<string, NdArray>): Record<string, NdArray> {
  return Object.fromEntries(Object.entries(feeds).filter(([, { data }]) => data.byteLength >= LARGE_BYTES));
}

const LARGE_BYTES = 2 ** 20;

/** The process answers in kind; anything else is a bug. */
function expected<K extends 'opened' | 'result'>(
  answer: Answer,
  kind: K,
): Extract<Answer, Record<K, unknown>>[K] {
  if (!(kind in answer)) throw new Error(`The session's process answered without \`${kind}\`.`);
  return (answer as Extract<Answer, Record<K, unknown>>)[kind];
}

/** ONNX Runtime's names of the execution providers. */
export const providers: Record<Device, string> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
};
