import { Interrupted, RunError } from '../errors.js';
import type { NdArray } from '../onnx/array.js';
import { type Death, deathError, startChild } from './child-process.js';
import { loadError, runError } from './ort-errors.js';
import type { Answer, Asked, Question } from './protocol.js';
import type { Device, RunRequest, Session, SessionOptions } from './types.js';

/**
 * Opens a model in a process of its own. An aborted `signal` kills that process at any time, and what waits for
 * it rejects with Interrupted.
 *
 * @throws UserError when ONNX Runtime rejects the model or the device does not work; RunError when memory runs
 *   out or the process dies.
 */
export async function openSession(
  options: SessionOptions,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Session> {
  if (signal?.aborted) throw interrupted();
  const waiting = new Map<number, (answer: Answer | Error) => void>();
  let lastId = 0;
  let ended: Error | undefined;
  let peakRssBytes = 0;
  /** The large arrays that the process holds since the run before. */
  let sent: Record<string, NdArray> = {};

  const child = startChild((message) => {
    const answer = message as Answer;
    peakRssBytes = answer.peakRssBytes;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });

  /** From now on every question gets `reason`; so do those that wait. */
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
  async function ask(question: Question): Promise<Answer> {
    if (ended !== undefined) throw ended;
    const id = ++lastId;
    const answer = await new Promise<Answer | Error>((resolve) => {
      waiting.set(id, resolve);
      child.send({ id, question } satisfies Asked);
    });
    if (answer instanceof Error) throw answer;
    return answer;
  }
  async function dispose(): Promise<void> {
    end(new RunError('The session was closed.'));
    await child.kill();
  }

  signal?.addEventListener('abort', abort, { once: true });
  void child.death.then((death) => end(endedBy(death)));

  const answer = await ask({ kind: 'open', options });
  if ('error' in answer) {
    await dispose();
    const { log } = await child.death;
    throw loadError(answer.error, log, options.device, options.name ?? 'the model');
  }

  return {
    async run(request: RunRequest): Promise<Record<string, NdArray>> {
      const again = Object.keys(request.feeds).filter((name) => request.feeds[name] === sent[name]);
      sent = largeOnes(request.feeds);
      const fresh = Object.entries(request.feeds).filter(([name]) => !again.includes(name));
      const answer = await ask({
        kind: 'run',
        request: { ...request, feeds: Object.fromEntries(fresh) },
        again,
      });
      if ('error' in answer) {
        sent = {};
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

/** Arrays worth keeping in the process, such as the edge list of a graph; small ones are sent each time. */
export function largeOnes(feeds: Record<string, NdArray>): Record<string, NdArray> {
  return Object.fromEntries(Object.entries(feeds).filter(([, { data }]) => data.byteLength >= KEPT_BYTES));
}

const KEPT_BYTES = 2 ** 20;

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

function interrupted(): Interrupted {
  return new Interrupted('The run was interrupted.');
}

/** Before it can ignore them, the young process may die of a signal meant for the whole group. */
function endedBy(death: Death): Error {
  const meantForAll = death.signal === 'SIGINT' || death.signal === 'SIGTERM' || death.signal === 'SIGHUP';
  return meantForAll ? interrupted() : deathError(death);
}
