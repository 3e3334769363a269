import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planFeeds } from '../../src/data/feeds.js';
import { openData } from '../../src/data/open.js';
import type { Shard, Warning } from '../../src/data/spec.js';
import type { TextSource } from '../../src/data/text/source.js';
import type { Encoder } from '../../src/data/tokens/encoder.js';
import type { TextShape } from '../../src/data/tokens/shape.js';
import { textSet } from '../../src/data/tokens/text-set.js';
import type { Batch, ModelInput } from '../../src/data/types.js';
import { batchesOf, gpt2Inputs, hasSharedData, input, newFile, sharedData, spec } from './support.js';

/** Numbers one after the other, as many as asked for; every line of the text is one of them. */
function numbers(count: number): { source: TextSource; encoder: Encoder } {
  const lines = Array.from({ length: count }, (_, index) => String(index + 1));
  return {
    source: {
      name: 'numbers',
      variant: null,
      split: null,
      bytes: count * 4,
      async *lines() {
        yield lines;
      },
    },
    encoder: {
      name: 'numbers',
      prefix: [],
      suffix: [],
      endOfText: null,
      pad: 0,
      encode: (line) => [Number(line)],
    },
  };
}

const open: TextShape = { seqLen: 8, batchSize: 3, fixedSeqLen: false, fixedBatch: false };

function setOf(
  count: number,
  some: Partial<TextShape>,
  rest: { tokens?: number; shard?: Shard; inputs?: ModelInput[] },
) {
  const warnings: Warning[] = [];
  return textSet({
    ...numbers(count),
    plan: planFeeds(rest.inputs ?? gpt2Inputs, undefined, 0),
    shape: { ...open, ...some },
    tokens: rest.tokens ?? 'all',
    shard: rest.shard,
    warnings,
  });
}

/** The ids that count, in order. */
function counted(batches: Batch[]): number[] {
  return batches.flatMap(({ feeds, mask }) => {
    const ids = [...(feeds.input_ids!.data as BigInt64Array)].map(Number);
    return mask === null ? ids : ids.filter((_, index) => mask.data[index] === 1);
  });
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('text batches', () => {
  it('hold full blocks and a shorter last one in a batch of its own', async () => {
    const set = await setOf(8 * 4 + 5, {}, {});
    const batches = await batchesOf(set);
    expect(batches.map((batch) => [batch.blocks, batch.feeds.input_ids!.dims])).toEqual([
      [
        [0, 1, 2],
        [3, 8],
      ],
      [[3], [1, 8]],
      [[4], [1, 5]],
    ]);
    expect(counted(batches)).toEqual(upTo(37));
    expect(set).toMatchObject({ masked: false, positions: 37, census: false, kind: 'text' });
  });

  it('count every token once, whatever is fixed, and shards make the whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 8, max: 120 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        async (count, batchSize, fixedSeqLen, fixedBatch, shards) => {
          const shape = { batchSize, fixedSeqLen, fixedBatch };
          const whole = await setOf(count, shape, {});
          const batches = await batchesOf(whole);
          expect(counted(batches)).toEqual(upTo(count));
          expect(batches.reduce((sum, batch) => sum + batch.positions, 0)).toBe(count);
          expect(whole.positions).toBe(count);
          for (const batch of batches) {
            const [rows, length] = batch.feeds.input_ids!.dims;
            if (fixedBatch) expect(rows).toBe(batchSize);
            if (fixedSeqLen) expect(length).toBe(8);
            expect(batch.mask === null).toBe(!whole.masked);
          }
          const parts: Batch[] = [];
          for (let index = 0; index < shards; index++) {
            const set = await setOf(count, shape, { shard: { index, count: shards } });
            const own = await batchesOf(set);
            expect(set.positions).toBe(own.reduce((sum, batch) => sum + batch.positions, 0));
            expect(await set.rangeBatch()).toEqual(await whole.rangeBatch());
            parts.push(...own);
          }
          expect(counted(parts).sort((a, b) => a - b)).toEqual(upTo(count));
          const blocks = parts.flatMap((batch) => batch.blocks).sort((a, b) => a - b);
          expect(blocks).toEqual(batches.flatMap((batch) => batch.blocks));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('pad the last block only where the length is fixed, and tell the model', async () => {
    const set = await setOf(11, { fixedSeqLen: true, batchSize: 2 }, {});
    const [batch] = await batchesOf(set);
    const expected = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
    expect([...(batch!.mask!.data as Uint8Array)]).toEqual(expected);
    expect([...(batch!.feeds.attention_mask!.data as BigInt64Array)].map(Number)).toEqual(expected);
    expect(batch!.positions).toBe(11);
  });

  it('fill a fixed batch with copies that are attended but not counted', async () => {
    const set = await setOf(8, { fixedBatch: true, batchSize: 2 }, {});
    const [batch] = await batchesOf(set);
    expect(batch!.sequences).toBe(1);
    expect([...(batch!.feeds.attention_mask!.data as BigInt64Array)].every((one) => one === 1n)).toBe(true);
    expect([...(batch!.mask!.data as Uint8Array)]).toEqual([...Array(8).fill(1), ...Array(8).fill(0)]);
  });

  it('drop a short block that cannot be padded, and say so', async () => {
    const inputs = [input('input_ids', ['b', 8])];
    const set = await setOf(11, { fixedSeqLen: true }, { inputs });
    expect(counted(await batchesOf(set))).toEqual(upTo(8));
    expect(set.positions).toBe(8);
    expect(set.warnings).toEqual([
      { code: 'last-block-dropped', message: expect.stringContaining('The last 3 tokens were left out') },
    ]);
    const short = await setOf(7, { fixedSeqLen: true }, { inputs });
    await expect(batchesOf(short)).rejects.toThrow(/shorter than one block of 8 tokens/);
  });

  it('keep to the budget', async () => {
    const set = await setOf(1000, {}, { tokens: 20 });
    expect(counted(await batchesOf(set))).toEqual(upTo(24));
    expect(set.positions).toBe(24);
  });

  it('go on after a block, in the same batches', async () => {
    for (const shard of [undefined, { index: 1, count: 2 }]) {
      const set = await setOf(150, {}, shard === undefined ? {} : { shard });
      const all = await batchesOf(set);
      for (const [at, batch] of all.entries()) {
        expect(await batchesOf(set, batch.blocks.at(-1))).toEqual(all.slice(at + 1));
      }
    }
  });

  it('have the same first rows for the range in large batches, and never more than were asked for', async () => {
    const automatic = await (await setOf(5000, { batchSize: 128 }, {})).rangeBatch();
    const large = await (await setOf(5000, { batchSize: 500 }, {})).rangeBatch();
    const small = await (await setOf(5000, { batchSize: 1 }, {})).rangeBatch();
    expect(large).toEqual(automatic);
    expect(large.sequences).toBe(128);
    expect(small.sequences).toBe(1);
  });
});

describe('the shape of text batches', () => {
  const tokenizer = 'models/gpt2';

  it('is automatic, within what the position embedding has', async () => {
    const set = await openData(spec({ data: 'sample', tokenizer, maxPositions: 128 }));
    expect(set.description).toMatchObject({ name: 'sample', seqLen: 128, batchSize: 8, tokenizer: 'gpt2' });
    const long = await openData(spec({ data: 'sample', tokenizer }));
    expect(long.description).toMatchObject({ seqLen: 256, batchSize: 4 });
  });

  it('takes the longest sequence from config.json where the caller does not know it', async () => {
    const path = await newFile('config.json', '{"max_position_embeddings": 96}');
    const set = await openData(
      spec({ data: 'sample', tokenizer, modelPath: join(dirname(path), 'model.onnx') }),
    );
    expect(set.description.seqLen).toBe(96);
  });

  it('obeys the file, and refuses what contradicts it', async () => {
    const inputs = [input('input_ids', [2, 16]), input('attention_mask', [2, 16])];
    const set = await openData(spec({ data: 'sample', tokenizer, inputs }));
    expect(set.description).toMatchObject({ seqLen: 16, batchSize: 2 });
    for (const batch of await batchesOf(set)) expect(batch.feeds.input_ids!.dims).toEqual([2, 16]);
    await expect(openData(spec({ data: 'sample', tokenizer, inputs, seqLen: 32 }))).rejects.toThrow(
      /Expected --seq-len 16, which the model's input "input_ids" fixes, got 32/,
    );
    await expect(
      openData(spec({ data: 'sample', tokenizer, seqLen: 200, maxPositions: 128 })),
    ).rejects.toThrow(/--seq-len up to 128/);
  });

  it.skipIf(!hasSharedData)(
    'puts [CLS] and [SEP] around each of BERT’s blocks (skipped without ../shared/data)',
    async () => {
      const set = await openData(
        spec({
          data: 'sample',
          tokenizer: join(sharedData, 'bert-tokenizer'),
          seqLen: 64,
          vocabulary: 30522,
        }),
      );
      for (const batch of await batchesOf(set)) {
        const [rows = 0, length = 0] = batch.feeds.input_ids!.dims;
        const ids = [...(batch.feeds.input_ids!.data as BigInt64Array)].map(Number);
        for (let row = 0; row < rows; row++) {
          expect(ids[row * length]).toBe(101);
          expect(ids[(row + 1) * length - 1]).toBe(102);
          expect(ids.slice(row * length + 1, (row + 1) * length - 1).some((id) => id === 101)).toBe(false);
        }
      }
    },
  );

  it('separates the documents of a .jsonl by the end-of-text token', async () => {
    const path = await newFile('a.jsonl', '{"text":"One."}\n{"text":"Two."}\n');
    const [batch] = await batchesOf(await openData(spec({ data: path, tokenizer })));
    const ids = [...(batch!.feeds.input_ids!.data as BigInt64Array)].map(Number);
    const tokens = JSON.parse(await readFile('models/gpt2/tokenizer.json', 'utf8'));
    const end = tokens.added_tokens.find(
      (token: { content: string }) => token.content === '<|endoftext|>',
    ).id;
    expect(ids.filter((id) => id === end)).toHaveLength(1);
    expect(ids.indexOf(end)).toBeGreaterThan(0);
  });
});
