import { CommanderError } from 'commander';
import { Interrupted, printable, RunError, UserError } from '../errors.js';
import { withFlags } from './flags.js';

/** The end of a command: its text on standard error, and its exit code. */
export interface Explanation {
  /** A sentence for a person, or the stack of a bug; `null` for nothing. */
  text: string | null;
  exitCode: number;
  /** True if the text is the stack of a bug. */
  bug?: true;
}

/**
 * Explains why a command ended: 2 for what is wrong with the input or the command, 3 for a run that failed,
 * 130 for an interruption. Help that was asked for ends with 0.
 */
export function explain(error: unknown): Explanation {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? { text: null, exitCode: 0 } : { text: wrongUsage(error), exitCode: 2 };
  }
  if (error instanceof UserError) {
    return { text: [withFlags(error), ...error.details].join('\n'), exitCode: 2 };
  }
  if (error instanceof RunError) return { text: withFlags(error), exitCode: 3 };
  if (error instanceof Interrupted) return { text: error.message, exitCode: 130 };
  return { text: bugReport(error), exitCode: 3, bug: true };
}

function bugReport(error: unknown): string {
  const lines = withCauses(error).split('\n').map(printable);
  const ask = 'This is a bug in activation-auditor. Please report it with the command and the lines above.';
  return [...lines, ask].join('\n');
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack ?? error.message;
  return error.cause === undefined ? text : `${text}\nCaused by: ${withCauses(error.cause)}`;
}

const ONE_MODEL =
  'A name with blanks needs quotes; for several models there is a loop of the shell: `for model in *.onnx; do audit "$model"; done`.';

/** Commander's `error: unknown option '--tokenz'\n(Did you mean --tokens?)` as sentences of ours. */
function wrongUsage({ message, code }: CommanderError): string {
  const [what = '', hint = ''] = message.replace(/^error: /, '').split('\n');
  const sentence = what.replace(/'([^']*)'/g, '`$1`').replace(/\.$/, '');
  const next =
    hint.replace(/^\((.*)\)$/, '$1') ||
    (code === 'commander.excessArguments' ? ONE_MODEL : 'See `audit --help`.');
  return printable(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}. ${next}`.trim());
}
