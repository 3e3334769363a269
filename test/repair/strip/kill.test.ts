import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { recordStatus } from '../../../src/files/journal.js';
import { undoStrip } from '../../../src/repair/strip/journal.js';
import { buildBytes } from '../../build.js';

const KILLS = 12;
const ROWS = 4096;
const COLUMNS = 1024;
/** In 4-byte weights: more than a page. */
const STRIDE = 1100;

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** A process that strips `model` in place: every 1,100th weight of a 16 MB tensor, so that each is a write of its own. */
const script = (model: string): string => `
import { openModel } from ${JSON.stringify(resolve('dist/src/onnx/skeleton.js'))};
import { writeStripped } from ${JSON.stringify(resolve('dist/src/repair/strip/output.js'))};
const opened = openModel(${JSON.stringify(model)});
const { span } = opened.proto.graph.initializer[0];
const elements = Array.from({ length: ${Math.ceil((ROWS * COLUMNS) / STRIDE)} }, (_, i) => i * ${STRIDE});
const patches = elements.map((i) => ({
  file: span.file,
  offsetBytes: span.startBytes + 4 * i,
  before: new Uint8Array(new Float32Array([i + 1]).buffer),
  after: new Uint8Array(4),
}));
const change = { site: '0.mlp_post', neuron: 0, round: 1, reason: 'dead', initializer: 'w', scope: '', elements, patches };
const parts = {
  tool: { name: 't', version: '0' },
  createdAt: '',
  options: { by: 'weight', fraction: 0.1, rounds: 1 },
  changes: [change],
};
process.send('ready');
await writeStripped(opened, { inPlace: true }, parts);
process.send('done');
process.disconnect();
`;

function start(file: string): { child: ChildProcess; ready: Promise<unknown>; ended: Promise<unknown> } {
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    child,
    ready: new Promise((done) => child.once('message', done)),
    ended: new Promise((done) => child.once('exit', done)),
  };
}

test('a strip in place killed at any moment leaves a model that is old, new, or restored by the next call', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-kill-'));
  const [model, file] = [join(folder, 'model.onnx'), join(folder, 'strip.mjs')];
  const numbers = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => i + 1);
  writeFileSync(
    model,
    buildBytes({
      inputs: { x: ['float32', ['rows', ROWS]] },
      initializers: { w: ['float32', [ROWS, COLUMNS], numbers] },
      nodes: [['MatMul', ['x', 'w'], ['y']]],
      outputs: { y: ['float32', ['rows', COLUMNS]] },
    }),
  );
  writeFileSync(file, script(model));
  const old = sha256(model);

  // Unharmed first: how long it takes, and what comes out of it.
  const whole = start(file);
  await whole.ready;
  const begun = performance.now();
  await whole.ended;
  const milliseconds = performance.now() - begun;
  expect(recordStatus(model)).toBe('applied');
  const changed = sha256(model);
  expect(changed).not.toBe(old);
  await undoStrip(model);
  expect(sha256(model)).toBe(old);

  const seen = { none: 0, pending: 0, applied: 0 };
  for (let kill = 0; kill < KILLS; kill++) {
    const { child, ready, ended } = start(file);
    await ready;
    await sleep(Math.random() * milliseconds);
    child.kill('SIGKILL');
    await ended;
    const status = recordStatus(model);
    seen[status ?? 'none']++;
    if (status === null) expect(sha256(model)).toBe(old);
    if (status === 'applied') expect(sha256(model)).toBe(changed);
    if (status !== null) await undoStrip(model);
    expect(sha256(model)).toBe(old);
    expect(existsSync(`${model}.strip.json`)).toBe(false);
  }
  // Kills that all miss the writing would prove nothing.

  expect(seen.pending, JSON.stringify(seen)).toBeGreaterThan(0);
}, 120_000);
