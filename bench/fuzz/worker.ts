/** One process of `npm run fuzz`: runs the cases it is told to, one after the other, and says what came of each. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../src/errors.js';
import { mutate, randomFrom } from '../../test/fuzz/mutate.js';
import { fuzzTargets } from './targets.js';

/** A run of cases: those with the seeds [first, last). */
export interface Span {
  first: number;
  last: number;
}

export type FromWorker =
  | { kind: 'ready' }
  | { kind: 'begins'; seed: number; target: string }
  | { kind: 'done'; outcomes: Record<string, Record<string, number>>; bugs: string[] };

/** Cases between two words to the parent: it must hear of a case that hangs, but not of every one. */
const CASES_PER_WORD = 50;

const folder = mkdtempSync(join(tmpdir(), 'audit-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('disconnect', () => process.exit());
const tell = (message: FromWorker) => void process.send!(message);

const targets = await fuzzTargets();
process.on('message', (span: Span) => void runSpan(span));
tell({ kind: 'ready' });

async function runSpan({ first, last }: Span): Promise<void> {
  const outcomes: Record<string, Record<string, number>> = {};
  const bugs: string[] = [];
  for (let seed = first; seed < last; seed++) {
    const next = randomFrom(seed);
    const target = pick(next());
    if ((seed - first) % CASES_PER_WORD === 0) tell({ kind: 'begins', seed, target: target.name });
    const original = target.originals[Math.floor(next() * target.originals.length)]!;
    const path = join(folder, target.name === 'model' ? 'model.onnx' : 'file');
    writeFileSync(path, mutate(original, next).bytes);
    const outcome = await outcomeOf(() => target.read(path), bugs, `seed ${seed} (${target.name})`);
    outcomes[target.name] ??= {};
    const counts = outcomes[target.name]!;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  tell({ kind: 'done', outcomes, bugs });
}

async function outcomeOf(read: () => Promise<unknown>, bugs: string[], what: string): Promise<string> {
  try {
    await read();
    return 'read';
  } catch (error) {
    if (error instanceof UserError) return 'refused';
    bugs.push(`${what}: ${(error as Error)?.stack ?? String(error)}`);
    return 'bug';
  }
}

function pick(share: number): (typeof targets)[number] {
  let at = share;
  for (const target of targets) {
    if (at < target.share) return target;
    at -= target.share;
  }
  return targets.at(-1)!;
}
