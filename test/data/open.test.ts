import { describe, expect, it } from 'vitest';
import { openData } from '../../src/data/open.js';
import { DataType } from '../../src/onnx/data-types.js';
import { batchesOf, input, newFile, newFolder, spec } from './support.js';

describe('opening data', () => {
  it('lists what it knows when the name is unknown', async () => {
    await expect(openData(spec({ data: 'wikitxt' }))).rejects.toThrow(
      /There is no data set `wikitxt`: expected one of sample, wikitext, wikitext-103, cora, random, or a \.txt.* Did you mean `wikitext`\?$/,
    );
    await expect(openData(spec({ data: 'no/such.txt' }))).rejects.toThrow(/There is no file `no\/such\.txt`/);
    await expect(openData(spec({ data: await newFile('a.docx', 'x') }))).rejects.toMatchObject({
      code: 'data-unknown',
    });
    await expect(openData(spec({ data: await newFolder() }))).rejects.toThrow(/neither MNIST/);
  });

  it('says what to use where there is no sample', async () => {
    const inputs = [input('x', ['b', 4], DataType.FLOAT)];
    await expect(openData(spec({ data: 'sample', inputs, modelKind: 'arrays' }))).rejects.toThrow(
      /--data random/,
    );
  });

  it('names the input that text cannot fill', async () => {
    const inputs = [input('input_ids', ['b', 's']), input('pixel_values', ['b', 3, 8, 8], DataType.FLOAT)];
    await expect(openData(spec({ data: 'sample', inputs }))).rejects.toThrow(
      /"pixel_values" \(float32 \[b, 3, 8, 8\]\) cannot be filled/,
    );
  });
});

describe('random data', () => {
  it('is ids of the vocabulary for token models, the same each time and over shards', async () => {
    const some = { data: 'random', vocabulary: 50, tokens: 3000, seqLen: 32 };
    const set = await openData(spec(some));
    const batches = await batchesOf(set);
    const ids = batches.flatMap((batch) => [...(batch.feeds.input_ids!.data as BigInt64Array)]);
    expect(set).toMatchObject({ kind: 'random', positions: 94 * 32 });
    expect(ids).toHaveLength(94 * 32);
    expect(new Set(ids).size).toBe(50);
    expect(ids.every((id) => id >= 0n && id < 50n)).toBe(true);
    expect(await batchesOf(await openData(spec(some)))).toEqual(batches);
    const halves = await Promise.all(
      [0, 1].map(async (index) => batchesOf(await openData(spec({ ...some, shard: { index, count: 2 } })))),
    );
    const of = (all: typeof batches) =>
      all.flatMap((batch) => [...(batch.feeds.input_ids!.data as BigInt64Array)]).sort();
    expect(of(halves.flat())).toEqual([...ids].sort());
  });

  it('is standard normal for other models, the same whatever the batch', async () => {
    const inputs = [input('x', ['b', 50], DataType.FLOAT)];
    const values = async (batchSize: number) => {
      const set = await openData(
        spec({ data: 'random', inputs, modelKind: 'arrays', batchSize, tokens: 400 }),
      );
      return (await batchesOf(set)).flatMap((batch) => [...(batch.feeds.x!.data as Float32Array)]);
    };
    const all = await values(7);
    expect(all).toHaveLength(400 * 50);
    expect(await values(64)).toEqual(all);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    const variance = all.reduce((sum, value) => sum + value * value, 0) / all.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  });

  it('takes a size of its own where the file leaves an axis open', async () => {
    const inputs = [input('x', ['b', 'n'], DataType.FLOAT)];
    const set = await openData(spec({ data: 'random', inputs, modelKind: 'arrays', tokens: 5 }));
    expect((await set.rangeBatch()).feeds.x?.dims.slice(1)).toEqual([16]);
  });

  it('is refused where the rank or the vocabulary is unknown', async () => {
    await expect(openData(spec({ data: 'random', modelPath: '/nowhere/m.onnx' }))).rejects.toThrow(
      /vocab_size/,
    );
    const inputs = [input('x', null, DataType.FLOAT)];
    await expect(openData(spec({ data: 'random', inputs, modelKind: 'arrays' }))).rejects.toThrow(
      /has no shape/,
    );
  });
});
