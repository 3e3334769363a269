import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openData } from '../../src/data/open.js';
import type { DataSpec } from '../../src/data/spec.js';
import type { Dimension } from '../../src/graph/types.js';
import { DataType } from '../../src/onnx/data-types.js';
import { batchesOf, hasSharedData, input, newFolder, sharedData, spec } from './support.js';

function idx(dims: number[], data: number[]): Buffer {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head.writeUInt32BE(0x0800 + dims.length);
  for (const [axis, size] of dims.entries()) head.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([head, Buffer.from(data)]);
}

/** Three 2×4 images of the bytes 0 to 23, labelled 7, 8, 9. */
async function smallIdx(): Promise<string> {
  const folder = await newFolder();
  const pixels = Array.from({ length: 24 }, (_, index) => index * 10);
  await writeFile(join(folder, 't10k-images-idx3-ubyte'), idx([3, 2, 4], pixels));
  await writeFile(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(idx([3], [7, 8, 9])));
  await writeFile(join(folder, 'train-images.idx3-ubyte.gz'), gzipSync(idx([1, 2, 4], pixels.slice(0, 8))));
  return folder;
}

function forShape(shape: Dimension[], elemType: number = DataType.FLOAT): Partial<DataSpec> {
  return { inputs: [input('image', shape, elemType)], modelKind: 'image' };
}

async function firstRow(folder: string, shape: Dimension[]): Promise<number[]> {
  const [batch] = await batchesOf(await openData(spec({ data: folder, ...forShape(shape) })));
  const { dims, data } = batch!.feeds.image!;
  const width = dims.slice(1).reduce((product, size) => product * size, 1);
  return [...(data as Float32Array)].slice(0, width).map((value) => Math.round(value * 2550) / 10);
}

describe('image folders', () => {
  it('of idx files are scaled, labelled and split', async () => {
    const folder = await smallIdx();
    const set = await openData(spec({ data: folder, ...forShape(['b', 1, 2, 4]) }));
    const [batch] = await batchesOf(set);
    expect(set).toMatchObject({
      kind: 'image',
      positions: 3,
      description: { variant: 'idx', split: 'test' },
    });
    expect(batch!.feeds.image!.dims).toEqual([3, 1, 2, 4]);
    expect(Math.max(...(batch!.feeds.image!.data as Float32Array))).toBeCloseTo(230 / 255, 6);
    expect([...(batch!.labels!.data as BigInt64Array)]).toEqual([7n, 8n, 9n]);
    const train = await openData(spec({ data: folder, split: 'train', ...forShape(['b', 8]) }));
    expect((await batchesOf(train))[0]!.feeds.image!.dims).toEqual([1, 8]);
    await expect(openData(spec({ data: folder, split: 'dev', ...forShape(['b', 8]) }))).rejects.toThrow(
      /`split` to be test or train/,
    );
  });

  it('take the layout of the input', async () => {
    const folder = await smallIdx();
    const plain = [0, 10, 20, 30, 40, 50, 60, 70];
    expect(await firstRow(folder, ['b', 8])).toEqual(plain);
    expect(await firstRow(folder, ['b', 2, 4])).toEqual(plain);
    expect(await firstRow(folder, ['b', 2, 4, 1])).toEqual(plain);
    expect(await firstRow(folder, ['b', 3, 2, 4])).toEqual([...plain, ...plain, ...plain]);
    expect(await firstRow(folder, ['b', 2, 4, 3])).toEqual(plain.flatMap((value) => [value, value, value]));
    expect(await firstRow(folder, ['b', null, null, null])).toEqual(plain);
  });

  it('are repeated or averaged by whole factors, with a warning', async () => {
    const folder = await smallIdx();
    expect(await firstRow(folder, ['b', 1, 1, 2])).toEqual([25, 45]);
    const larger = await firstRow(folder, ['b', 1, 4, 8]);
    expect(larger.slice(0, 8)).toEqual([0, 0, 10, 10, 20, 20, 30, 30]);
    expect(larger.slice(8, 16)).toEqual(larger.slice(0, 8));
    const set = await openData(spec({ data: folder, ...forShape(['b', 1, 4, 8]) }));
    expect(set.warnings).toEqual([
      { code: 'images-changed', message: expect.stringContaining('resized from 2×4 to 4×8') },
    ]);
  });

  it('that do not fit are refused with both shapes', async () => {
    const folder = await smallIdx();
    for (const shape of [
      ['b', 1, 3, 6],
      ['b', 9],
      ['b', 4, 2, 4],
    ]) {
      await expect(openData(spec({ data: folder, ...forShape(shape) }))).rejects.toThrow(
        /Images of 1×2×4 do not fit the model's input "image" \(float32 \[b, /,
      );
    }
  });

  it('are fed as float16 where the model wants that', async () => {
    const set = await openData(spec({ data: await smallIdx(), ...forShape(['b', 8], DataType.FLOAT16) }));
    expect((await batchesOf(set))[0]!.feeds.image!.data).toBeInstanceOf(Uint16Array);
  });

  it('obey a fixed batch: images left over are dropped with a warning, records are masked', async () => {
    const folder = await smallIdx();
    const images = await openData(spec({ data: folder, ...forShape([2, 1, 2, 4]) }));
    expect((await batchesOf(images)).map(({ blocks, mask }) => [blocks, mask])).toEqual([[[0, 1], null]]);
    expect(images.positions).toBe(2);
    expect(images.warnings.map(({ code }) => code)).toEqual(['last-batch-dropped']);
    const records = await openData(spec({ data: folder, ...forShape([2, 8]) }));
    expect((await batchesOf(records)).map(({ positions }) => positions)).toEqual([2, 1]);
  });

  it('of CIFAR-10 records keep colours apart', async () => {
    const folder = await newFolder();
    const record = Buffer.alloc(3073, 51);
    record[0] = 4;
    record.fill(102, 1 + 1024, 1 + 2048);
    await writeFile(join(folder, 'data_batch_1.bin'), record);
    await writeFile(join(folder, 'test_batch.bin.gz'), gzipSync(Buffer.concat([record, record])));
    const set = await openData(spec({ data: folder, ...forShape(['b', 3, 32, 32]) }));
    const [batch] = await batchesOf(set);
    expect(batch!.feeds.image!.dims).toEqual([2, 3, 32, 32]);
    const data = batch!.feeds.image!.data as Float32Array;
    expect([data[0], data[1024], data[2048]].map((value) => value!.toFixed(3))).toEqual([
      '0.200',
      '0.400',
      '0.200',
    ]);
    expect([...(batch!.labels!.data as BigInt64Array)]).toEqual([4n, 4n]);
    await writeFile(join(folder, 'test_batch.bin.gz'), gzipSync(record.subarray(0, 3000)));
    await expect(openData(spec({ data: folder, ...forShape(['b', 3, 32, 32]) }))).rejects.toThrow(
      /multiple of 3073 bytes, found 3,000/,
    );
  });

  it('cut short are refused', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 't10k-images-idx3-ubyte'), idx([3, 2, 4], [1, 2, 3]));
    await expect(openData(spec({ data: folder, ...forShape(['b', 8]) }))).rejects.toMatchObject({
      code: 'data-truncated',
    });
  });

  it.skipIf(!hasSharedData)('hold the real MNIST and CIFAR-10 (skipped without ../shared/data)', async () => {
    const mnist = await openData(spec({ data: join(sharedData, 'mnist'), ...forShape(['b', 784]) }));
    const batches = await batchesOf(mnist);
    expect(mnist.positions).toBe(10_000);
    expect([...(batches[0]!.labels!.data as BigInt64Array).slice(0, 5)]).toEqual([7n, 2n, 1n, 0n, 4n]);
    const cifar = await openData(spec({ data: join(sharedData, 'cifar10'), ...forShape(['b', 3, 32, 32]) }));
    expect(cifar.positions).toBe(1000);
    const train = await openData(
      spec({ data: join(sharedData, 'cifar10'), split: 'train', ...forShape(['b', 3, 32, 32]) }),
    );
    expect(train.positions).toBe(4000);
  });
});
