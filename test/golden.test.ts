import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readNpz } from '../src/data/arrays/npz.js';
import type { Batch } from '../src/data/types.js';
import { openAuditedFile } from '../src/measure/audited-model.js';
import { openProbeRun } from '../src/measure/probe-run.js';
import type { NdArray } from '../src/onnx/array.js';
import { completeCriterion } from '../src/stats/criteria.js';
import { arrayIn, expectCounters, type Golden, readGolden } from './golden-counters.js';

const cases = [
  ...readdirSync('models')
    .map((name) => [`models/${name}/golden.json`, `models/${name}/model.onnx`])
    .filter(([golden]) => existsSync(golden!)),
  ...['gpt2-ts17', 'gpt2-dynamo20', 'gpt2-fused', 'gpt2-past', 'gpt2-ext/model'].map((name) => [
    'models/variants/gpt2.golden.json',
    `models/variants/${name}.onnx`,
  ]),
  ...['bert-ts17', 'bert-dynamo20', 'bert-fused'].map((name) => [
    'models/variants/bert.golden.json',
    `models/variants/${name}.onnx`,
  ]),
  ...['llama-ts17'].map((name) => ['models/variants/llama.golden.json', `models/variants/${name}.onnx`]),
  ['models/variants/opt.golden.json', 'models/variants/opt-ts17.onnx'],
] as [string, string][];

async function batchOf(
  goldenPath: string,
  golden: Golden,
  inputs: { name: string; shape: unknown[] | null }[],
): Promise<Batch> {
  const feeds: Record<string, NdArray> = {};
  if ('file' in golden.inputs && typeof golden.inputs.file === 'string') {
    const arrays = await readNpz(join(dirname(goldenPath), golden.inputs.file));
    for (const name of golden.inputs.arrays as unknown as string[]) feeds[name] = arrays.get(name)!;
    return { feeds, blocks: [0], sequences: 1, positions: golden.sites[0]!.positions, mask: null };
  }
  const arrays = Object.entries(golden.inputs as Exclude<Golden['inputs'], { file: string }>);
  for (const [name, array] of arrays) feeds[name] = arrayIn(array);
  const mask = Array.from(feeds.attention_mask!.data as BigInt64Array, Number);
  for (const { name, shape } of inputs) {
    if (!name.startsWith('past_key_values')) continue;
    const dims = shape!.map((d, i) => (i === 0 ? feeds.input_ids!.dims[0]! : typeof d === 'number' ? d : 0));
    feeds[name] = { type: 'float32', dims, data: new Float32Array(0) };
  }
  const positionIds = {
    type: 'int64',
    dims: feeds.input_ids!.dims,
    data: BigInt64Array.from(mask, (_, i) => BigInt(i % feeds.input_ids!.dims[1]!)),
  } as NdArray;
  if (inputs.some(({ name }) => name === 'position_ids')) feeds.position_ids ??= positionIds;
  return {
    feeds,
    blocks: [0],
    sequences: feeds.input_ids!.dims[0]!,
    positions: mask.reduce((a, b) => a + b, 0),
    mask: { type: 'uint8', dims: feeds.input_ids!.dims, data: Uint8Array.from(mask) },
  };
}

describe('statistics agree with PyTorch hooks', () => {
  test.each(cases)('%s: %s', async (goldenPath, modelPath) => {
    const golden = readGolden(goldenPath);
    const { copy } = await openAuditedFile({ model: modelPath });
    const { model, sites } = copy();
    const inputs = model.graph.inputs.map(({ name, type }) => ({ name, shape: type?.shape ?? null }));
    const batch = await batchOf(goldenPath, golden, inputs);
    const criterion = completeCriterion({ threshold: golden.threshold });
    const run = await openProbeRun(copy, {
      criterion,
      masked: batch.mask !== null,
      session: { device: 'cpu', threads: 1 },
    });
    const counters = await run.run(batch, await run.findRange(batch));
    await run.dispose();
    expect(sites.map(({ id }) => id).sort()).toEqual(golden.sites.map(({ id }) => id).sort());
    for (const [i, { id }] of sites.entries()) {
      expectCounters(counters[i]!, golden.sites.find((site) => site.id === id)!);
    }
  });
});
