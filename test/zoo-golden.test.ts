import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../src/data/types.js';
import type { Value } from '../src/graph/graph.js';
import { openAuditedFile } from '../src/measure/audited-model.js';
import { openProbeRun } from '../src/measure/probe-run.js';
import type { NdArray } from '../src/onnx/array.js';
import { dataTypeName } from '../src/onnx/data-types.js';
import { f32ToF16 } from '../src/onnx/floats.js';
import { completeCriterion } from '../src/stats/criteria.js';
import { arrayIn, expectCounters, expectValues, type Golden, readGolden } from './golden-counters.js';

const folder = 'models/zoo/files';
const index = JSON.parse(readFileSync(`${folder}/index.json`, 'utf8')) as Record<string, { family: string }>;

/** Files that cannot be fed a golden's two rows, or whose values are those of other data, with the reason. */
const leftOut: [RegExp, string][] = [
  [/seq2seq-decoder/, "it reads the encoder's result, which the golden of the whole does not hold"],
  [/^llama-dynamo23/, 'it takes one row: its rotary caches are [1, sequence]'],
  [/^gpt2-qdq/, 'its ranges were calibrated on other rows, which cut these off'],
];

/**
 * Largest difference, relative to the site's largest value, that fewer bits make in weights or activations of these tiny
 * random networks. Counts of firing are not compared there: every value is on a border.
 */
const FEWER_BITS: [RegExp, number][] = [
  [/fp16/, 5e-3],
  [/int8|qdq|nbits/, 0.35],
];

const cases = Object.entries(index)
  .map(([file, { family }]) => [file, `${folder}/${family}.golden.json`] as const)
  .filter(
    ([file, golden]) =>
      existsSync(`${folder}/${file}`) && existsSync(golden) && !leftOut.some(([name]) => name.test(file)),
  );

describe('the zoo agrees with PyTorch hooks', () => {
  test('holds files of every family that has a golden', () => {
    expect(new Set(cases.map(([, golden]) => golden)).size).toBe(26);
    expect(cases.length).toBeGreaterThanOrEqual(95);
  });

  test.each(cases)('%s: %s', async (file, goldenPath) => {
    const golden = readGolden(goldenPath);
    const { original, copy } = await openAuditedFile({ model: `${folder}/${file}` });
    const feeds = feedsOf(golden, original.model.graph.inputs);
    const stacks = [...new Set(original.sites.map(({ stack }) => stack))];
    const tolerance = FEWER_BITS.find(([name]) => name.test(file))?.[1];
    for (const stack of stacks) {
      const sites = original.sites.filter((site) => site.stack === stack);
      const goldenStack = stack || (file.includes('encoder') ? 'encoder' : '');
      const expected = golden.sites.filter(({ id }) => stackIn(id) === goldenStack);
      expect(sites.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => idIn(id, sites)).sort());
      const batch = batchOf(feeds, expected[0]!.positions);
      const run = await openProbeRun(
        () => {
          const fresh = copy();
          fresh.sites = fresh.sites.filter((site) => site.stack === stack);
          return fresh;
        },
        {
          criterion: completeCriterion({ threshold: golden.threshold }),
          masked: batch.mask !== null,
          session: { device: 'cpu', threads: 1 },
        },
      );
      const counters = await run.run(batch, await run.findRange(batch));
      await run.dispose();
      for (const site of expected) {
        const at = sites.findIndex(({ id }) => id === idIn(site.id, sites));
        if (tolerance === undefined) expectCounters(counters[at]!, site);
        else expectValues(counters[at]!, site, tolerance);
      }
    }
  });
});

const withoutStack = (id: string): string => id.replace(/^[a-z_]+\./, '');

/** The id of a golden's site in a file: without the stack where the file holds that stack alone. */
const idIn = (id: string, sites: { id: string }[]): string =>
  sites.some((site) => site.id === id) ? id : withoutStack(id);

const stackIn = (id: string): string => /^([a-z_]+)\./.exec(id)?.[1] ?? '';

/** Arrays of the golden; empty caches, positions and switches for the inputs that only some exports have. */
function feedsOf(golden: Golden, inputs: readonly Value[]): Record<string, NdArray> {
  const arrays = golden.inputs as Exclude<Golden['inputs'], { file: string }>;
  const feeds: Record<string, NdArray> = {};
  for (const { name, type } of inputs) {
    const elemType = dataTypeName(type?.elemType);
    const ids = arrays.input_ids && arrayIn(arrays.input_ids);
    if (arrays[name]) feeds[name] = as(elemType, arrayIn(arrays[name]));
    else if (name === 'position_ids') {
      const data = BigInt64Array.from(ids!.data as BigInt64Array, (_, i) => BigInt(i % ids!.dims[1]!));
      feeds[name] = { type: 'int64', dims: ids!.dims, data };
    } else if (name === 'use_cache_branch') {
      feeds[name] = { type: 'bool', dims: [1], data: Uint8Array.of(0) };
    } else if (name.startsWith('past_key_values')) {
      const dims = type!.shape!.map((size, i) =>
        i === 0 ? ids!.dims[0]! : typeof size === 'number' ? size : 0,
      );
      feeds[name] = as(elemType, { type: 'float32', dims, data: new Float32Array(0) });
    }
  }
  return feeds;
}

/** The array in the type that the file declares. */
function as(type: string, array: NdArray): NdArray {
  if (type === 'int32' && array.type === 'int64') {
    return { type: 'int32', dims: array.dims, data: Int32Array.from(array.data as BigInt64Array, Number) };
  }
  if (type === 'float16' && array.type === 'float32') {
    return {
      type: 'float16',
      dims: array.dims,
      data: Uint16Array.from(array.data as Float32Array, f32ToF16),
    };
  }
  return array;
}

/** Padding is masked at the sites that see the tokens of `attention_mask`; others have none. */
function batchOf(feeds: Record<string, NdArray>, positions: number): Batch {
  const attention = feeds.attention_mask;
  const kept = attention && Uint8Array.from(attention.data as BigInt64Array, Number);
  const masked = kept?.reduce((sum, one) => sum + one, 0) === positions;
  const mask: NdArray | null = masked ? { type: 'uint8', dims: attention!.dims, data: kept! } : null;
  return { feeds, blocks: [0], sequences: 1, positions, mask };
}
