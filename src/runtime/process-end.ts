import { Interrupted, RunError } from '../errors.js';
import { loaderFailure, sentence } from './ort-message.js';

/** End of a session's process, and the last that it wrote to stderr. */
export interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  log: string;
}

/** ONNX Runtime's library could not be loaded into the session's process. */
export class RuntimeNotLoaded extends RunError {
  /** @param detail Reason, as part of a sentence. */
  constructor(readonly detail: string) {
    super(`ONNX Runtime could not be loaded: ${detail}. \`audit doctor\` has the next step.`);
  }
}

/** Returns the error for a process that ended by itself. */
export function processEndError({ code, signal, log }: ProcessEnd): Error {
  // Before it can ignore them, the young process may die of a signal that was meant for the whole group.
  if (signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGHUP') return interrupted();
  if (signal === 'SIGKILL') {
    return new RunError(
      "The session's process ended unexpectedly (signal SIGKILL), most likely because memory ran out: " +
        'use a smaller `batchSize` or `seqLen`.',
      { settings: ['batchSize', 'seqLen'] },
    );
  }
  const unloaded = loaderFailure(log);
  if (unloaded !== undefined) return new RuntimeNotLoaded(unloaded);
  const lastWords = lastWordsOf(log);
  const said = lastWords === undefined ? '' : `: ${sentence(lastWords)}`;
  if (signal !== null) return new RunError(`The session's process crashed (signal ${signal})${said}`);
  if (code === null) return new RunError(`The session's process could not be started${said}`);
  return new RunError(`The session's process ended unexpectedly (exit code ${code})${said}`);
}

export function interrupted(): Interrupted {
  return new Interrupted('The run was interrupted.');
}

/** The error that ended Node, or else the last line: Node's own last line is its version. */
function lastWordsOf(log: string): string | undefined {
  const lines = log.split('\n').filter((line) => line.trim() !== '' && !/^Node\.js v/.test(line));
  return lines.findLast((line) => /^\w*Error: /.test(line)) ?? lines.at(-1);
}
