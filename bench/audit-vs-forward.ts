/**
 * Audit time / plain forward time: same batches, same process, interleaved, medians.
 *
 *   npm run build && node dist/bench/audit-vs-forward.js gpt2-124m.onnx [--batch 4] [--seq 128] [--rounds 9]
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openAuditedFile } from '../src/measure/audited-model.js';
import { findEmbeddings } from '../src/patterns/embedding.js';
import { auditOverlay } from '../src/probe/overlay.js';
import { countBytes } from '../src/runtime/count-bytes.js';
import { completeCriterion } from '../src/stats/criteria.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '4' },
    seq: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '9' },
  },
});
const [path] = positionals;
if (!path) throw new Error('name a model: node dist/bench/audit-vs-forward.js MODEL.onnx');
const [batch, seq, rounds] = [Number(values.batch), Number(values.seq), Number(values.rounds)];

const { opened, copy } = await openAuditedFile({ model: path });
const selected = copy();
const { vocabulary } = findEmbeddings(selected.model.graph);
const overlay = auditOverlay(selected.model, selected.sites, opened.folder, {
  criterion: completeCriterion(),
  masked: false,
  countNonFinite: false,
});
const plain = await InferenceSession.create(path);
const probed = await InferenceSession.create(overlay.bytes, {
  extra: {
    session: { model_external_initializers_file_folder_path: opened.folder, set_denormal_as_zero: '1' },
  },
});

const ids = new BigInt64Array(batch * seq).map(() =>
  BigInt(Math.floor(Math.random() * (vocabulary ?? 1000))),
);
const own: Record<string, Tensor> = {
  input_ids: new Tensor('int64', ids, [batch, seq]),
  attention_mask: new Tensor('int64', new BigInt64Array(batch * seq).fill(1n), [batch, seq]),
};
const plainFeeds = Object.fromEntries(plain.inputNames.map((name) => [name, own[name]!]));
const probeFeeds: Record<string, Tensor> = {};
for (const name of overlay.inputs) probeFeeds[name] = own[name]!;
for (const { scale, zeroPoint } of overlay.probes.sites) {
  probeFeeds[scale] = new Tensor('float32', Float32Array.of(0.05), []);
  probeFeeds[zeroPoint] = new Tensor('uint8', Uint8Array.of(100), []);
}

const tables = overlay.probes.sites.map((site) => site.counters);
const bins = overlay.probes.sites.map((site) => site.bins);
const forward = (): Promise<unknown> => plain.run(plainFeeds);
const counters = (): Promise<unknown> => probed.run(probeFeeds, tables);
const audit = async (): Promise<void> => {
  const out = await probed.run(probeFeeds, [...tables, ...bins]);
  for (const name of bins) countBytes(out[name]!.data as Uint8Array);
};

const timings: Record<string, number[]> = { forward: [], counters: [], audit: [] };
for (const warmUp of [forward, counters, audit]) await warmUp();
for (let round = 0; round < rounds; round++) {
  for (const [name, job] of Object.entries({ forward, counters, audit })) {
    const start = performance.now();
    await job();
    timings[name]!.push(performance.now() - start);
  }
}
const median = (name: string): number => timings[name]!.sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
const base = median('forward');
console.log(`${basename(path)}, ${batch} x ${seq} tokens, ${rounds} rounds, medians, CPU`);
console.log(
  `overlay ${Math.round(overlay.bytes.length / 1000)} kB, ${overlay.removedNodes} nodes not needed, ${tables.length} sites`,
);
for (const name of Object.keys(timings)) {
  console.log(
    `${name.padEnd(10)} ${median(name).toFixed(0).padStart(7)} ms   ratio ${(median(name) / base).toFixed(2)}`,
  );
}
