/**
 * Spoils models, reports, resume states, records of strips and archives, and reads them, with a limit of time and memory for
 * each case. Prints what came of how many. Exit code 1 if any case was a bug, hung, or took more memory.
 *
 *   npm run fuzz -- [--cases 20000] [--seed 1] [--workers 2]
 *
 * The same seed gives the same cases, whatever the number of workers.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { FromWorker, Span } from './worker.js';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
  },
});
const [cases, seed, workers] = [Number(values.cases), Number(values.seed), Number(values.workers)];

/** Cases of one span: after it the worker says what came of them. */
const SPAN = 500;
/** Time for the cases between two words of a worker. */
const PATIENCE_MILLISECONDS = 10_000;
/** Memory of a worker's heap, in MB: a case that takes more ends it. */
const HEAP_MEGABYTES = 500;

const outcomes: Record<string, Record<string, number>> = {};
let nextSeed = seed;
let done = 0;
const started = performance.now();
await Promise.all(Array.from({ length: workers }, work));
const seconds = (performance.now() - started) / 1000;
console.log(`${done.toLocaleString('en')} cases from seed ${seed} in ${Math.round(seconds)} s`);
for (const [target, counts] of Object.entries(outcomes)) {
  const words = Object.entries(counts).map(([outcome, count]) => `${count.toLocaleString('en')} ${outcome}`);
  console.log(`${target.padEnd(14)} ${words.join(', ')}`);
}
const bad = Object.values(outcomes).some((counts) =>
  Object.keys(counts).some((key) => !/^(read|refused)$/.test(key)),
);
process.exitCode = bad ? 1 : 0;

/** Gives spans to one worker after the other, a new one where the last has died, until no case is left. */
async function work(): Promise<void> {
  let span = takeSpan();
  while (span) {
    const left = await runWorker(span);
    span = left ?? takeSpan();
  }
}

function takeSpan(): Span | null {
  if (nextSeed >= seed + cases) return null;
  const span = { first: nextSeed, last: Math.min(nextSeed + SPAN, seed + cases) };
  nextSeed = span.last;
  return span;
}

/** Runs spans until none is left or the worker dies; then returns the rest of the span without the cases it died in. */
function runWorker(first: Span): Promise<Span | null> {
  const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [], {
    execArgv: [`--max-old-space-size=${HEAP_MEGABYTES}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  let span: Span | null = first;
  let at = { seed: first.first, target: 'start' };
  let patience: NodeJS.Timeout | undefined;
  let hung = false;
  return new Promise((resolve) => {
    const wait = () => {
      clearTimeout(patience);
      patience = setTimeout(() => {
        hung = true;
        child.kill('SIGKILL');
      }, PATIENCE_MILLISECONDS);
    };
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') give(child, span!);
      if (message.kind === 'begins') at = message;
      if (message.kind === 'done') {
        add(message.outcomes);
        for (const bug of message.bugs) console.log(bug);
        done += span!.last - span!.first;
        span = takeSpan();
        if (span) give(child, span);
        else child.disconnect();
      }
      if (message.kind !== 'ready' || span) wait();
    });
    child.on('exit', () => {
      clearTimeout(patience);
      if (!span) return resolve(null);
      const outcome = hung ? 'hung' : 'out of memory';
      console.log(`${outcome} in the cases from seed ${at.seed} on`);
      add({ [at.target]: { [outcome]: 1 } });
      const rest = { first: at.seed + 50, last: span.last };
      done += Math.min(rest.first, span.last) - span.first;
      resolve(rest.first < rest.last ? rest : null);
    });
  });
}

function give(child: ChildProcess, span: Span): void {
  child.send(span);
}

function add(more: Record<string, Record<string, number>>): void {
  for (const [target, counts] of Object.entries(more)) {
    outcomes[target] ??= {};
    const total = outcomes[target];
    for (const [outcome, count] of Object.entries(counts)) total[outcome] = (total[outcome] ?? 0) + count;
  }
}
