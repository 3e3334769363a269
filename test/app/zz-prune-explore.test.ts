import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'vitest';
import { prune } from '../../src/app/prune.js';
import { withConstantNeurons } from './constant-neurons.js';

const want = process.env.ZOO ?? '';
const folder = process.env.ZOODIR ?? 'models/zoo/files';
const cases = readdirSync(folder).filter((n) => n.endsWith('.onnx') && new RegExp(want).test(n));
test.each(cases)('%s', { timeout: 200_000 }, async (name) => {
  let line = name;
  try {
    const model = await withConstantNeurons(`${folder}/${name}`, [1, 2, 5]);
    const report = await prune({ model, output: join(dirname(model), 'out.onnx'), data: 'random', tokens: 64, seqLen: 16, threads: 1, device: 'cpu' });
    line += ` ${report.summary.outcome} ${report.summary.removed} ${report.outputs?.relative?.toExponential(1)}`;
    for (const s of report.sites) line += `\n   ${s.id} ${s.neurons.before}->${s.neurons.after} z${s.zero} f${s.folded} ${s.refused ?? ''} ${s.kept.map((k) => k.reason + k.neurons.length).join('; ')}`;
    rmSync(dirname(model), { recursive: true });
  } catch (e) {
    line += ` ERROR ${(e as Error).stack?.slice(0, 400)}`;
  }
  process.stderr.write(`${line}\n`);
});
