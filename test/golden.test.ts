import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readNpz } from '../src/data/arrays/npz.js';
import type { Batch } from '../src/data/types.js';
import { openAuditedFile } from '../src/measure/audited-model.js';
import { openProbeRun } from '../src/measure/probe-run.js';
import type { NdArray } from '../src/onnx/array.js';
import { completeCriterion } from '../src/stats/criteria.js';

/** Activation statistics that PyTorch hooks saw (models/recipes/golden.py). Arrays are [neurons]. */
interface Golden {
  threshold: number;
  inputs: { file: string; arrays: string[] } | Record<string, { dtype: string; data: number[][] }>;
  sites: {
    id: string;
    positions: number;
    fired: number[];
    firedBorderline: number[];
    positive: number[];
    positiveBorderline: number[];
    sum: number[];
    sumAbs: number[];
    min: number[];
    max: number[];
  }[];
}

/**
 * PyTorch and ONNX Runtime compute the same float32 network in another order: largest difference per position, relative
 * to the largest activation of the site.
 */
const VALUE_TOLERANCE = 3e-6;

const cases = [
  ...readdirSync('models').map((name) => [`models/${name}/golden.json`, `models/${name}/model.onnx`]),
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
].filter(([golden, model]) => existsSync(golden!) && existsSync(model!)) as [string, string][];

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
  const given = golden.inputs as Record<string, { dtype: string; data: number[][] }>;
  for (const [name, { data }] of Object.entries(given)) {
    const dims = [data.length, data[0]!.length];
    feeds[name] = { type: 'int64', dims, data: BigInt64Array.from(data.flat(), BigInt) };
  }
  const mask = given.attention_mask!.data.flat();
  for (const { name, shape } of inputs) {
    if (!name.startsWith('past_key_values')) continue;
    const dims = shape!.map((d, i) =>
      i === 0 ? given.input_ids!.data.length : typeof d === 'number' ? d : 0,
    );
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
    const golden = JSON.parse(readFileSync(goldenPath, 'utf8')) as Golden;
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
      const expected = golden.sites.find((site) => site.id === id)!;
      const found = counters[i]!;
      expect(found.positions, id).toBe(expected.positions);
      for (const name of ['fired', 'positive'] as const) {
        const border = name === 'fired' ? expected.firedBorderline : expected.positiveBorderline;
        for (const [n, count] of expected[name].entries()) {
          expect(Math.abs(found[name][n]! - count), `${id} ${name} of neuron ${n}`).toBeLessThanOrEqual(
            border[n]!,
          );
        }
      }
      const largest = Math.max(...expected.max.map(Math.abs), ...expected.min.map(Math.abs));
      for (const name of ['sum', 'sumAbs', 'min', 'max'] as const) {
        const steps = name === 'min' || name === 'max' ? 1 : expected.positions;
        const worst = expected[name].reduce(
          (w, x, n) => Math.max(w, Math.abs(found[name][n]! - x) / steps),
          0,
        );
        expect(worst, `${id} ${name}`).toBeLessThan(VALUE_TOLERANCE * largest);
      }
    }
  });
});
