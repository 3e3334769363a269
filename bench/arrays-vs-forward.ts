/**
 * Audit time / plain forward time on arrays: the first batch of a .npz, same process, interleaved, medians; one line of JSON.
 *
 *   node dist/bench/arrays-vs-forward.js model.onnx inputs.npz [--rounds 5] [--threads 2] [--forward-only]
 *
 * With `--forward-only` the model is run without probes, for the peak of its memory.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openAuditData } from '../src/measure/audit-data.js';
import { openAuditedFile } from '../src/measure/audited-model.js';
import { auditOverlay } from '../src/probe/overlay.js';
import { countBytes } from '../src/runtime/count-bytes.js';
import { completeCriterion } from '../src/stats/criteria.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    'forward-only': { type: 'boolean', default: false },
  },
});
const [path, data] = positionals;
if (!path || !data) throw new Error('name a model and its arrays: MODEL.onnx INPUTS.npz');

const rounds = Number(values.rounds);
const options = { intraOpNumThreads: Number(values.threads), logSeverityLevel: 3 as const };
const { opened, copy: load } = await openAuditedFile({ model: path });
const selected = load();
const opening = { model: path, data, tokens: 'all' as const, batchSize: 4096 };
const { feeds } = await (await openAuditData(opening, selected, new AbortController().signal)).rangeBatch();
const own: Record<string, Tensor> = {};
for (const [name, { type, dims, data: array }] of Object.entries(feeds)) {
  own[name] = new Tensor(type as 'float32', array as Float32Array, dims);
}

const plain = await InferenceSession.create(path, options);
const forward = (): Promise<unknown> => plain.run(own);
const jobs: Record<string, () => Promise<unknown>> = { forward };
if (!values['forward-only']) {
  const overlay = auditOverlay(selected.model, selected.sites, opened.folder, {
    criterion: completeCriterion(),
    masked: false,
    countNonFinite: false,
  });
  const session = {
    model_external_initializers_file_folder_path: opened.folder,
    set_denormal_as_zero: '1',
  };
  const probed = await InferenceSession.create(overlay.bytes, { ...options, extra: { session } });
  const probeFeeds = Object.fromEntries(overlay.inputs.map((name) => [name, own[name]!]));
  for (const { scale, zeroPoint } of overlay.probes.sites) {
    probeFeeds[scale] = new Tensor('float32', Float32Array.of(0.05), []);
    probeFeeds[zeroPoint] = new Tensor('uint8', Uint8Array.of(100), []);
  }
  const bins = overlay.probes.sites.map((site) => site.bins);
  const fetched = [...overlay.probes.sites.map((site) => site.counters), ...bins];
  jobs.audit = async () => {
    const results = await probed.run(probeFeeds, fetched);
    for (const name of bins) countBytes(results[name]!.data as Uint8Array);
  };
}

const seconds: Record<string, number[]> = Object.fromEntries(Object.keys(jobs).map((name) => [name, []]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, job] of Object.entries(jobs)) {
    const start = performance.now();
    await job();
    // The first round warms up.
    if (round > 0) seconds[name]!.push((performance.now() - start) / 1000);
  }
}
const medians = Object.entries(seconds).map(([name, all]) => [
  name,
  all.sort((a, b) => a - b)[all.length >> 1],
]);
// Of this process alone: Linux's maxRSS begins with that of the process that started it.
const kilobytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
const peakBytes = kilobytes * 1024;
console.log(JSON.stringify({ ...Object.fromEntries(medians), peakBytes }));
