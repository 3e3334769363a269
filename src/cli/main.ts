#!/usr/bin/env node
import { CommanderError } from 'commander';
import pc from 'picocolors';
import { Interrupted, printable, RunError, UserError } from '../errors.js';
import { withFlags } from './flags.js';
import { program, withVerb } from './program.js';
import { wantsColor } from './terminal.js';

/**
 * Exit codes: 0 passed · 1 a gate rule failed · 2 the input or the command is wrong · 3 the run itself failed ·
 * 130 interrupted, by SIGTERM and SIGHUP as by Ctrl-C.
 */
async function main(args: string[]): Promise<number> {
  try {
    await program().parseAsync(withVerb(args), { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return explain(error);
  }
}

/** What a person reads of an error, and its exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) complain(wrongUsage(error));
    return error.exitCode === 0 ? 0 : 2;
  }
  if (!(error instanceof Error)) return bug(String(error));
  if (error instanceof UserError) return complain([withFlags(error), ...error.details].join('\n'), 2);
  if (error instanceof RunError) return complain(withFlags(error), 3);
  if (error instanceof Interrupted) return complain(error.message, 130);
  return bug(withCauses(error));
}

function complain(message: string, exitCode = 2): number {
  const { red } = pc.createColors(wantsColor(process.stderr));
  process.stderr.write(`${red('audit:')} ${message}\n`);
  return exitCode;
}

function bug(text: string): number {
  const lines = text.split('\n').map(printable);
  const ask = 'This is a bug in activation-auditor. Please report it with the command and the lines above.';
  process.stderr.write(`${lines.join('\n')}\n${ask}\n`);
  return 3;
}

function withCauses(error: Error): string {
  const text = error.stack ?? error.message;
  return error.cause instanceof Error ? `${text}\nCaused by: ${withCauses(error.cause)}` : text;
}

/** Commander's `error: unknown option '--tokenz'\n(Did you mean --tokens?)` as one sentence of ours. */
function wrongUsage({ message, code }: CommanderError): string {
  const [what = '', hint = ''] = message.replace(/^error: /, '').split('\n');
  const sentence = what.replace(/'([^']*)'/g, '`$1`').replace(/\.$/, '');
  const next =
    hint.replace(/^\((.*)\)$/, '$1') || (code === 'commander.unknownOption' ? 'See `audit --help`.' : '');
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}. ${next}`.trim();
}

/** A reader that has seen enough (`audit … | head`) is no error: reports are still written, the exit code stays. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
  });
}
// Node's own exit code for these is 1, which here means that a gate failed.
process.on('uncaughtException', (error) => process.exit(explain(error)));

const exitCode = await main(process.argv.slice(2));
// What was printed goes out first; what is left running, such as a tokenizer's thread, is not waited for.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
);
process.exit(exitCode);
