#!/usr/bin/env node
import pc from 'picocolors';
import { explain } from './explain.js';
import { program, withVerb } from './program.js';
import { wantsColor } from './terminal.js';

/**
 * Exit codes: 0 passed · 1 a gate rule failed · 2 the input or the command is wrong · 3 the run itself failed
 * · 130 interrupted, by SIGTERM and SIGHUP as by Ctrl-C.
 */
async function main(args: string[]): Promise<number> {
  try {
    await program().parseAsync(withVerb(args), { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return complain(error);
  }
}

/** Says on standard error what an error means, and returns its exit code. */
function complain(error: unknown): number {
  const { text, exitCode, bug } = explain(error);
  const { red } = pc.createColors(wantsColor(process.stderr));
  if (text !== null) process.stderr.write(bug ? `${text}\n` : `${red('audit:')} ${text}\n`);
  return exitCode;
}

/**
 * A reader that has seen enough (`audit … | head`) is no error: reports are still written, the exit code
 * stays.
 */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
  });
}
// Node's own exit code for these is 1, which here means that a gate failed.
process.on('uncaughtException', (error) => process.exit(complain(error)));

const exitCode = await main(process.argv.slice(2));
// What was printed goes out first; what is left running, such as a tokenizer's thread, is not waited for.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
);
process.exit(exitCode);
