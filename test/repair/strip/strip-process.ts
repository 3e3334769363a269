import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeModel } from '../../../src/onnx/encode.js';
import { buildModel } from '../../build.js';

const ROWS = 2048;
const COLUMNS = 1024;
/** Distance of changed weights in elements of 4 bytes: more than a page, so that each weight is a write of its own. */
const STRIDE = 1100;

export const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Writes a model of one matrix of 8 MB into a folder of its own; returns its path. */
export function writeLargeModel(external = false): { folder: string; model: string } {
  const folder = mkdtempSync(join(tmpdir(), 'audit-kill-'));
  const model = join(folder, 'model.onnx');
  const numbers = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => i + 1);
  const proto = buildModel({
    inputs: { x: ['float32', ['rows', ROWS]] },
    initializers: { w: ['float32', [ROWS, COLUMNS], numbers] },
    nodes: [['MatMul', ['x', 'w'], ['y']]],
    outputs: { y: ['float32', ['rows', COLUMNS]] },
  });
  if (external) {
    const [weight] = proto.graph!.initializer;
    writeFileSync(`${model}.data`, weight!.rawData!);
    delete weight!.rawData;
    weight!.dataLocation = 1;
    weight!.externalData = [{ key: 'location', value: 'model.onnx.data', unknown: [] }];
  }
  writeFileSync(model, encodeModel(proto));
  return { folder, model };
}

/** A process that strips a model: `ready` when it is about to write, `ended` when it is gone. */
export interface StripProcess {
  child: ChildProcess;
  ready: Promise<unknown>;
  ended: Promise<unknown>;
}

/**
 * Starts a process that sets every 1,100th weight of the large model to a byte pattern and writes the result.
 *
 * @param to As for `writeStripped`.
 * @param byte The four bytes that each changed weight then has.
 */
export function startStrip(folder: string, model: string, to: object, byte = 0): StripProcess {
  const file = join(folder, `strip-${byte}.mjs`);
  writeFileSync(file, script(model, to, byte));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    child,
    ready: new Promise((done) => child.once('message', done)),
    ended: new Promise((done) => child.once('exit', done)),
  };
}

const script = (model: string, to: object, byte: number): string => `
import { openModel } from ${JSON.stringify(resolve('dist/src/onnx/skeleton.js'))};
import { writeStripped } from ${JSON.stringify(resolve('dist/src/repair/strip/output.js'))};
const opened = openModel(${JSON.stringify(model)});
const { span } = opened.proto.graph.initializer[0];
const elements = Array.from({ length: ${Math.ceil((ROWS * COLUMNS) / STRIDE)} }, (_, i) => i * ${STRIDE});
const patches = elements.map((i) => ({
  file: span.file,
  offsetBytes: span.startBytes + 4 * i,
  before: new Uint8Array(new Float32Array([i + 1]).buffer),
  after: new Uint8Array(4).fill(${byte}),
}));
const change = { site: '0.mlp_post', neuron: 0, round: 1, reason: 'dead', initializer: 'w', scope: '', elements, patches };
const parts = {
  tool: { name: 't', version: '0' },
  createdAt: '',
  options: { by: 'weight', fraction: 0.1, rounds: 1 },
  changes: [change],
};
process.send('ready');
await writeStripped(opened, ${JSON.stringify(to)}, parts);
process.send('done');
process.disconnect();
`;

/** Runs a strip to its end; returns how long it wrote. */
export async function stripWhole(process: StripProcess): Promise<number> {
  await process.ready;
  const begun = performance.now();
  await process.ended;
  return performance.now() - begun;
}
