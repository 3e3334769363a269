import { describe, test } from 'vitest';
import type { Batch } from '../../src/data/types.js';
import { type AuditedModel, openAuditedFile } from '../../src/measure/audited-model.js';
import { modelInputs } from '../../src/measure/model-kind.js';
import type { NdArray } from '../../src/onnx/array.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { expectProbesExact } from '../raw-tensors.js';

const models = [
  'models/gpt2/model.onnx',
  'models/gpt2-relu/model.onnx',
  'models/bert/model.onnx',
  'models/gcn/model.onnx',
  'models/mlp/model.onnx',
  ...[
    'gpt2-ts17',
    'gpt2-dynamo20',
    'gpt2-fused',
    'gpt2-fp16',
    'gpt2-int8',
    'gpt2-past',
    'gpt2-ext/model',
    'bert-ts17',
    'bert-dynamo20',
    'bert-fused',
    'bert-qdq',
    'llama-ts17',
    'opt-ts17',
  ].map((name) => `models/variants/${name}.onnx`),
];

/** A seeded linear congruential generator: numbers in [0, 1). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const int64 = (dims: number[], at: (i: number) => number): NdArray => {
  const data = BigInt64Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => BigInt(at(i)));
  return { type: 'int64', dims, data };
};

/**
 * Feeds for any of the models: 3 sequences of 7 (odd), the second with 2 and the third with 4 positions of
 * padding.
 */
function batchFor({ model }: AuditedModel, padded: boolean): Batch {
  const next = random(7);
  const inputs = modelInputs(model.graph);
  const names = new Set(inputs.map(({ name }) => name));
  const feeds: Record<string, NdArray> = {};
  let [positions, mask]: [number, NdArray | null] = [0, null];
  if (names.has('input_ids')) {
    const kept = (i: number): number => (padded && i % 7 >= 7 - 2 * Math.floor(i / 7) ? 0 : 1);
    const table = inputs.find(({ name }) => name === 'input_ids')!.elemType;
    const ids = int64([3, 7], () => Math.floor(next() * 100));
    feeds.input_ids =
      table === 6 ? { ...ids, type: 'int32', data: Int32Array.from(ids.data as BigInt64Array, Number) } : ids;
    feeds.attention_mask = int64([3, 7], kept);
    feeds.token_type_ids = int64([3, 7], () => 0);
    feeds.position_ids = int64([3, 7], (i) => i % 7);
    if (padded)
      mask = { type: 'uint8', dims: [3, 7], data: Uint8Array.from({ length: 21 }, (_, i) => kept(i)) };
    positions = Array.from({ length: 21 }, (_, i) => kept(i)).reduce((a, b) => a + b, 0);
    for (const { name, shape, elemType } of inputs) {
      if (!name.startsWith('past_key_values')) continue;
      const dims = shape!.map((d, i) => (i === 0 ? 3 : typeof d === 'number' ? d : 0));
      feeds[name] = {
        type: elemType === 10 ? 'float16' : 'float32',
        dims,
        data: elemType === 10 ? new Uint16Array(0) : new Float32Array(0),
      };
    }
  } else {
    const rows = 23;
    const width = inputs[0]!.shape!.at(-1) as number;
    feeds[inputs[0]!.name] = {
      type: 'float32',
      dims: [rows, width],
      data: Float32Array.from({ length: rows * width }, () => next() * 4 - 2),
    };
    if (names.has('edge_index')) feeds.edge_index = int64([2, 60], () => Math.floor(next() * rows));
    const kept = (i: number): number => (padded && i % 5 === 2 ? 0 : 1);
    if (padded)
      mask = { type: 'uint8', dims: [rows], data: Uint8Array.from({ length: rows }, (_, i) => kept(i)) };
    positions = Array.from({ length: rows }, (_, i) => kept(i)).reduce((a, b) => a + b, 0);
  }
  const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => names.has(name)));
  return { feeds: used, blocks: [0], sequences: 3, positions, mask };
}

describe.each(models)('%s', (path) => {
  test.each([
    ['without padding', false, 'abs'],
    ['with padding', true, 'abs'],
    ['with padding, positive firing', true, 'positive'],
  ] as const)('probes equal the raw tensors reduced one by one, %s', async (_title, padded, firing) => {
    const { copy } = await openAuditedFile({ model: path });
    const criterion = completeCriterion({ firing, threshold: 0.01 });
    await expectProbesExact(copy, batchFor(copy(), padded), padded, criterion);
  });
});
