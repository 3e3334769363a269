import { describe, expect, test } from 'vitest';
import type { Batch, DataSet } from '../../src/data/types.js';
import { measureQuality, type NoQuality } from '../../src/measure/quality.js';
import { questionsOf } from '../../src/measure/quality-questions.js';
import { openSubject } from '../../src/measure/subject.js';
import type { NdArray } from '../../src/onnx/array.js';
import { encodeOverlay } from '../../src/probe/overlay.js';
import { openSession } from '../../src/runtime/session.js';
import type { AuditOptions } from '../../src/settings/options.js';
import {
  emptyQuality,
  mergeQuality,
  type Quality,
  qualityLoss,
  sumQuality,
} from '../../src/stats/quality.js';
import { buildFile } from '../build.js';
import { newFile, npy, npz } from '../data/support.js';

const session = { device: 'cpu', threads: 1 } as const;

/** Float32 log-softmax in the graph against float64 in JavaScript, nats per prediction. */
const LOSS_TOLERANCE = 2e-6;

async function qualityOf(options: AuditOptions): Promise<Quality | NoQuality> {
  return measureQuality(await openSubject({ ...options, ...session }));
}

/** Mean loss and accuracy from the model's own logits, computed one by one in double precision. */
async function plainly(
  options: AuditOptions,
  task: Quality['task'],
): Promise<{ loss: number; accuracy: number }> {
  const { original, data } = await openSubject(options);
  const { folder, name, model } = original;
  const plain = await openSession({ ...session, model: encodeOverlay(model, folder), folder, name });
  let [loss, right, asked] = [0, 0, 0];
  for await (const batch of data.batches()) {
    const questions = questionsOf(task, batch, data.tokens ?? null)!;
    const logits = (await plain.run({ feeds: questions.feeds, fetch: ['logits'] })).logits!;
    const classes = logits.dims.at(-1)!;
    for (const [row, counts] of questions.counts.entries()) {
      if (!counts) continue;
      const scores = Array.from((logits.data as Float32Array).subarray(row * classes, (row + 1) * classes));
      const largest = Math.max(...scores);
      const total = scores.reduce((sum, x) => sum + Math.exp(x - largest), 0);
      const target = Number(questions.targets[row]);
      loss += Math.log(total) + largest - scores[target]!;
      right += scores.indexOf(largest) === target ? 1 : 0;
      asked++;
    }
  }
  await plain.dispose();
  return { loss: loss / asked, accuracy: right / asked };
}

describe('quality in the graph equals quality from the logits', () => {
  test.each([
    [{ model: 'models/gpt2-relu/model.onnx', tokens: 2100 }, 'next-token'],
    [{ model: 'models/bert/model.onnx', tokens: 2100 }, 'masked-token'],
    [{ model: 'models/mlp/model.onnx', data: 'models/mlp/inputs.npz' }, 'classification'],
  ] as const)('%o: %s', async (options, task) => {
    const found = await qualityOf(options);
    expect(found).toMatchObject({ task });
    const expected = await plainly(options, task);
    const { loss, perplexity, accuracy } = found as Quality;
    expect(Math.abs(loss! - expected.loss)).toBeLessThan(LOSS_TOLERANCE);
    expect(accuracy).toBe(expected.accuracy);
    expect(perplexity).toBe(task === 'classification' ? null : Math.exp(loss!));
  });
});

describe('what a language model is asked', () => {
  const zoo = (names: string[]): string[] => names.map((name) => `models/zoo/files/${name}.onnx`);

  /** Random ids as if they were text, by a tokenizer with or without a mask token. */
  async function taskOf(path: string, mask: number | null): Promise<unknown> {
    const subject = await openSubject({ model: path, data: 'random', tokens: 64, seqLen: 16, ...session });
    const random = subject.data;
    const data: DataSet = { ...random, kind: 'text', tokens: { ...random.tokens!, mask } };
    return measureQuality({ ...subject, data });
  }

  test.each(
    zoo([
      ...['ts17', 'dynamo20', 'fp16', 'qdq', 'nbits', 'fused', 'optimum'].map((name) => `gpt2-${name}`),
      ...[
        'llama-ts17',
        'llama-handmade-opset23',
        'llama-optimum-merged',
        'opt-optimum',
        'bloom-dynamo18',
        'mistral-dynamo18',
      ],
    ]),
  )('%s: the next token, since its attention masks out the future, mask token or not', async (path) => {
    expect(await taskOf(path, 3)).toMatchObject({ task: 'next-token' });
    expect(await taskOf(path, null)).toMatchObject({ task: 'next-token' });
  });

  test.each(zoo(['gpt2-int8', 'llama-int8']))(
    '%s: the next token, though its scales see all tokens',
    async (path) => {
      expect(await taskOf(path, null)).toMatchObject({ task: 'next-token' });
    },
  );

  test.each(zoo(['bert-ts17', 'bert-dynamo20', 'bert-fp16', 'bert-int8', 'bert-qdq', 'bert-fused']))(
    '%s: masked tokens, and nothing where the tokenizer has no mask token',
    async (path) => {
      expect(await taskOf(path, 3)).toMatchObject({ task: 'masked-token' });
      if (!path.includes('int8')) {
        expect(await taskOf(path, null)).toMatchObject({ reason: expect.stringMatching(/no mask token/) });
      }
    },
  );
});

describe('the questions of a batch', () => {
  const ids = {
    type: 'int64',
    dims: [2, 5],
    data: BigInt64Array.of(1n, 5n, 6n, 7n, 2n, 1n, 8n, 9n, 2n, 0n),
  } as const;
  const batch: Batch = {
    feeds: { input_ids: { ...ids, dims: [2, 5] } },
    blocks: [4, 9],
    sequences: 2,
    positions: 9,
    mask: { type: 'bool', dims: [2, 5], data: Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 0) },
  };
  const tokens = { input: 'input_ids', mask: 3, special: [1, 2, 0] };

  test('next tokens are asked within a row, and never about padding', () => {
    const { targets, counts } = questionsOf('next-token', batch, tokens)!;
    expect(Array.from(counts)).toEqual([1, 1, 1, 1, 0, 1, 1, 1, 0, 0]);
    expect(Array.from(targets).filter((_, i) => counts[i])).toEqual([5n, 6n, 7n, 2n, 8n, 9n, 2n]);
  });

  test('masked tokens are 15 % of the text, the same ones whatever the batch, and no special ones', () => {
    const long = Array.from({ length: 40 }, (_, block) => block);
    const width = 256;
    const make = (blocks: number[]): Batch => ({
      ...batch,
      blocks,
      mask: null,
      feeds: {
        input_ids: {
          type: 'int32',
          dims: [blocks.length, width],
          data: Int32Array.from({ length: blocks.length * width }, (_, i) =>
            i % width === 0 ? 1 : 10 + (i % 7),
          ),
        },
      },
    });
    const all = questionsOf('masked-token', make(long), tokens)!;
    const share = all.counts.reduce((sum, one) => sum + one, 0) / (long.length * (width - 1));
    expect(Math.abs(share - 0.15)).toBeLessThan(0.01);
    const one = questionsOf('masked-token', make([7]), tokens)!;
    expect(one.counts).toEqual(all.counts.slice(7 * width, 8 * width));
    const fed = one.feeds.input_ids!.data as Int32Array;
    for (const [i, counts] of one.counts.entries()) expect(fed[i] === 3).toBe(counts === 1);
    expect(fed[0]).toBe(1);
  });

  test('labels below 0 are no question, and fractions are no classes', () => {
    const of = (data: Float32Array): NdArray => ({ type: 'float32', dims: [data.length], data });
    const rows = { ...batch, mask: null };
    const { targets, counts } = questionsOf(
      'classification',
      { ...rows, labels: of(Float32Array.of(2, -100, 0)) },
      null,
    )!;
    expect([Array.from(targets), Array.from(counts)]).toEqual([
      [2n, 0n, 0n],
      [1, 0, 1],
    ]);
    expect(questionsOf('classification', { ...rows, labels: of(Float32Array.of(0.5, 1)) }, null)).toBe(null);
    expect(questionsOf('classification', rows, null)).toBe(null);
  });
});

test('sums of quality add up to those of the whole', () => {
  const [loss, correct, counts] = [
    [1, 2, 3, Number.NaN],
    [1, 0, 1, 0],
    [1, 1, 1, 0],
  ];
  const whole = sumQuality(loss!, correct!, counts!);
  const parts = mergeQuality(
    sumQuality([1], [1], [1]),
    mergeQuality(sumQuality([2, 3], [0, 1], [1, 1]), emptyQuality()),
  );
  expect(parts).toEqual(whole);
});

test('quality lost is the relative rise of perplexity, or the fall of accuracy', () => {
  const text = (perplexity: number | null): Quality => ({
    task: 'next-token',
    loss: perplexity === null ? null : Math.log(perplexity),
    perplexity,
    accuracy: 0.5,
    positions: 9,
  });
  expect(qualityLoss(text(10), text(11))).toBeCloseTo(0.1, 12);
  expect(qualityLoss(text(10), text(null))).toBe(Number.POSITIVE_INFINITY);
  const classes = (accuracy: number): Quality => ({ ...text(null), task: 'classification', accuracy });
  expect(qualityLoss(classes(0.9), classes(0.8))).toBeCloseTo(0.1, 12);
});

test('quality that cannot be measured comes with the reason', async () => {
  const graph = (spec: object) =>
    buildFile({
      inputs: { x: ['float32', ['rows', 4]] },
      initializers: { w: ['float32', [4, 3], 0.5], v: ['float32', [3, 2], 0.5] },
      nodes: [
        ['MatMul', ['x', 'w'], ['h']],
        ['Relu', ['h'], ['a']],
        ['MatMul', ['a', 'v'], ['y']],
      ],
      outputs: { y: ['float32', ['rows', 2]] },
      ...spec,
    });
  expect(await qualityOf({ model: graph({}), data: 'random' })).toMatchObject({
    reason: expect.stringMatching(/random/),
  });
  const data = await newFile('rows.npz', npz({ x: npy('<f4', [3, 4], new Float32Array(12)) }));
  expect(await qualityOf({ model: graph({}), data })).toEqual({ reason: 'the data has no labels' });
  const outside = npz({
    x: npy('<f4', [3, 4], new Float32Array(12)),
    labels: npy('<i8', [3], BigInt64Array.of(0n, 1n, 2n)),
  });
  expect(await qualityOf({ model: graph({}), data: await newFile('rows.npz', outside) })).toEqual({
    reason: 'what the data has to predict does not fit the rows or classes of the logits',
  });
  expect(await qualityOf({ model: graph({ opset: 10 }), data })).toMatchObject({
    reason: expect.stringMatching(/opset is 10/),
  });
});
