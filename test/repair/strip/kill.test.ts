import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { recordStatus } from '../../../src/files/journal.js';
import { openAuditedFile } from '../../../src/measure/audited-model.js';
import { readStripRecord } from '../../../src/repair/strip/record.js';
import { undoStrip } from '../../../src/repair/strip/undo.js';
import { type StripProcess, sha256, startStrip, stripWhole, writeLargeModel } from './strip-process.js';

/** `AUDIT_KILLS=200 npx vitest run test/repair/strip/kill.test.ts` loops longer; the counts are printed then. */
const KILLS = Number(process.env.AUDIT_KILLS ?? 12);
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newModel(external = false): { folder: string; model: string } {
  const made = writeLargeModel(external);
  folders.push(made.folder);
  return made;
}

/** Kills a strip at a moment chosen at random within the time that a whole one takes. */
async function killed({ child, ready, ended }: StripProcess, milliseconds: number): Promise<void> {
  await ready;
  await sleep(Math.random() * milliseconds);
  child.kill('SIGKILL');
  await ended;
}

/** Kills a strip within two milliseconds after its files are complete, while they get their names. */
async function killedPublishing({ child, ready, ended }: StripProcess, folder: string): Promise<void> {
  await ready;
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver && !readdirSync(folder).some((name) => name.endsWith('.publish'))) await turn();
  const until = performance.now() + 2 * Math.random();
  while (performance.now() < until);
  child.kill('SIGKILL');
  await ended;
}

function report(seen: Record<string, number>): void {
  if (process.env.AUDIT_KILLS) process.stdout.write(`${KILLS} kills: ${JSON.stringify(seen)}\n`);
}

test('a strip in place killed at any moment leaves a model that is old, new, or restored by the next call', async () => {
  const { folder, model } = newModel();
  const start = () => startStrip(folder, model, { inPlace: true });
  const old = sha256(model);

  // Unharmed first: how long it takes, and what comes out of it.
  const milliseconds = await stripWhole(start());
  expect(recordStatus(model)).toBe('applied');
  const changed = sha256(model);
  expect(changed).not.toBe(old);
  await undoStrip(model);
  expect(sha256(model)).toBe(old);

  const seen = { none: 0, pending: 0, applied: 0 };
  for (let kill = 0; kill < KILLS; kill++) {
    await killed(start(), milliseconds);
    const status = recordStatus(model);
    seen[status ?? 'none']++;
    if (status === null) expect(sha256(model)).toBe(old);
    if (status === 'applied') expect(sha256(model)).toBe(changed);
    if (status !== null) await undoStrip(model);
    expect(sha256(model)).toBe(old);
    expect(existsSync(`${model}.strip.json`)).toBe(false);
  }
  report(seen);
  // Kills that all miss the writing would prove nothing.
  expect(seen.pending, JSON.stringify(seen)).toBeGreaterThan(0);
}, 600_000);

test.each([
  ['in the model file', false],
  ['in external data', true],
] as const)(
  'a strip over an earlier output, with weights %s, killed at any moment leaves the old pair of model and record, or the new one',
  async (_where, external) => {
    const { folder, model } = newModel(external);
    const output = join(folder, 'out.onnx');
    const weights = external ? `${output}.data` : output;
    const original = external ? `${model}.data` : model;
    const start = (byte: number) => startStrip(folder, model, { output }, byte);
    const sums = () => [output, weights].map((path) => (existsSync(path) ? sha256(path) : null));

    const whole: Record<number, (string | null)[]> = {};
    let milliseconds = 0;
    for (const byte of [1, 2]) {
      milliseconds = await stripWhole(start(byte));
      whole[byte] = sums();
    }
    expect(whole[1]![1]).not.toBe(whole[2]![1]);

    const seen = { old: 0, new: 0, finished: 0 };
    let earlier = 2;
    for (let kill = 0; kill < KILLS; kill++) {
      const next = 3 - earlier;
      if (kill % 2 === 0) await killed(start(next), milliseconds);
      else await killedPublishing(start(next), folder);
      const asLeft = sums();
      // A model in the folder is whole at every moment, for other programs too.
      if (asLeft[0] !== null) expect([whole[earlier], whole[next]]).toContainEqual(asLeft);
      const wasCommitted = readdirSync(folder).some((name) => name.endsWith('.publish'));
      // Any command that opens the model comes next.
      await openAuditedFile({ model: output });
      const now = sums();
      expect([whole[earlier], whole[next]]).toContainEqual(now);
      // The record is of this model, and undoes it.
      const { files } = await readStripRecord(`${output}.strip.json`);
      expect(files.at(-1)!.sha256).toEqual({ before: sha256(original), after: now[1] });
      seen[wasCommitted ? 'finished' : now[1] === whole[earlier]![1] ? 'old' : 'new']++;
      if (now[1] === whole[next]![1]) earlier = next;
    }
    report(seen);
    expect(seen.old, JSON.stringify(seen)).toBeGreaterThan(0);
    // What killed processes have left is removed by the next one, and what is there can be undone.
    await stripWhole(start(1));
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
    await undoStrip(output);
    expect(sha256(weights)).toBe(sha256(original));
  },
  3_000_000,
);
