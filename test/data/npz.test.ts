import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayOf, numbersOf, takeRows } from '../../src/data/arrays/convert.js';
import { parseNpy } from '../../src/data/arrays/npy.js';
import { readNpz } from '../../src/data/arrays/npz.js';
import { openData } from '../../src/data/open.js';
import type { DataSpec } from '../../src/data/spec.js';
import { DataType } from '../../src/onnx/data-types.js';
import { batchesOf, gpt2Inputs, input, newFile, npy, npz, spec } from './support.js';

const floats = Float32Array.from([0, 1.5, -2, 3, 4, 5]);

describe('.npy', () => {
  it.each([
    ['<f2', Uint16Array.from([0x3c00, 0xc000, 0]), 'float16', [1, -2, 0]],
    ['<f4', Float32Array.from([1, -2, 0]), 'float32', [1, -2, 0]],
    ['<f8', Float64Array.from([1e300, -2, 0]), 'float64', [1e300, -2, 0]],
    ['<i8', BigInt64Array.from([1n, -2n, 0n]), 'int64', [1, -2, 0]],
    ['<i4', Int32Array.from([1, -2, 0]), 'int32', [1, -2, 0]],
    ['<i2', Int16Array.from([1, -2, 0]), 'int16', [1, -2, 0]],
    ['|i1', Int8Array.from([1, -2, 0]), 'int8', [1, -2, 0]],
    ['|u1', Uint8Array.from([1, 254, 0]), 'uint8', [1, 254, 0]],
    ['|b1', Uint8Array.from([1, 0, 0]), 'bool', [1, 0, 0]],
  ])('is read as %s', (descr, data, type, values) => {
    const array = parseNpy(npy(descr, [3], data), 'a');
    expect({ type: array.type, dims: array.dims, values: Array.from(numbersOf(array)) }).toEqual({
      type,
      dims: [3],
      values,
    });
  });

  it('is read in format versions 1 to 3, and as a scalar', () => {
    for (const version of [1, 2, 3] as const) {
      expect(parseNpy(npy('<f4', [2, 3], floats, { version }), 'a').data).toEqual(floats);
    }
    expect(parseNpy(npy('<f4', [], Float32Array.of(7)), 'a')).toMatchObject({ dims: [] });
  });

  it('in column-major order is turned into row-major', () => {
    // Columns one after the other: [[0, -2, 4], [1.5, 3, 5]].
    const array = parseNpy(npy('<f4', [2, 3], floats, { fortran: true }), 'a');
    expect([...(array.data as Float32Array)]).toEqual([0, -2, 4, 1.5, 3, 5]);
  });

  it('of big-endian numbers is swapped', () => {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32BE(-5, 0);
    bytes.writeInt32BE(70_000, 4);
    expect([...(parseNpy(npy('>i4', [2], bytes), 'a').data as Int32Array)]).toEqual([-5, 70_000]);
  });

  it('that is cut short, text, or of strings or objects is refused', () => {
    const whole = npy('<f4', [2, 3], floats);
    for (let length = 0; length < whole.length; length++) {
      expect(() => parseNpy(whole.subarray(0, length), 'x')).toThrow(/cut short|not a \.npy/);
    }
    expect(() => parseNpy(npy('<U5', [1], new Uint8Array(20)), 'x')).toThrow(/element type '<U5'/);
    expect(() => parseNpy(npy('|O', [1], new Uint8Array(20)), 'x')).toThrow(/element type '\|O'/);
  });
});

describe('numbers', () => {
  it('are taken by rows', () => {
    const array = arrayOf('int64', [3, 2], [1, 2, 3, 4, 5, 6]);
    expect(takeRows(array, [2, 0])).toEqual(arrayOf('int64', [2, 2], [5, 6, 1, 2]));
  });
});

const mlp: Partial<DataSpec> = {
  inputs: [input('x', ['batch', 2], DataType.FLOAT)],
  modelKind: 'arrays',
};

describe('.npz', () => {
  it.each([0, 6] as const)('gives back what was put in (compression %i)', async (level) => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-z]\w{0,8}$/), fc.array(fc.float({ noNaN: true })), {
          minKeys: 1,
        }),
        async (arrays) => {
          const files = Object.fromEntries(
            Object.entries(arrays).map(([name, values]) => [
              name,
              npy('<f4', [values.length], Float32Array.from(values)),
            ]),
          );
          const read = await readNpz(await newFile('a.npz', npz(files, level)));
          expect(
            Object.fromEntries([...read].map(([name, { data }]) => [name, [...(data as Float32Array)]])),
          ).toEqual(arrays);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('is read as NumPy writes it', async () => {
    const arrays = await readNpz('samples/graph.npz');
    expect(arrays.get('edge_index')).toMatchObject({ type: 'int64', dims: [2, expect.any(Number)] });
    expect(arrays.get('x')).toMatchObject({ type: 'float32' });
  });

  it('cut short anywhere, empty, or no zip is refused', async () => {
    const whole = npz({ x: npy('<f4', [2, 3], floats) });
    for (const length of [1, 20, whole.length >> 1, whole.length - 1]) {
      await expect(readNpz(await newFile('a.npz', whole.subarray(0, length)))).rejects.toMatchObject({
        code: 'data-truncated',
      });
    }
    await expect(readNpz(await newFile('a.npz', ''))).rejects.toThrow(/is empty/);
    await expect(readNpz(await newFile('a.npz', npz({})))).rejects.toMatchObject({ name: 'UserError' });
    await expect(readNpz('no/such.npz')).rejects.toThrow(/There is no file/);
  });

  it('feeds rows in batches, cast to what the model takes, with labels', async () => {
    const x = Float64Array.from({ length: 10 }, (_, index) => index);
    const path = await newFile(
      'a.npz',
      npz({ x: npy('<f8', [5, 2], x), labels: npy('<i8', [5], BigInt64Array.from([0n, 1n, 2n, 3n, 4n])) }),
    );
    const set = await openData(spec({ data: path, ...mlp, batchSize: 2 }));
    const batches = await batchesOf(set);
    expect(set).toMatchObject({ kind: 'arrays', positions: 5, masked: false });
    expect(batches.map((batch) => batch.blocks)).toEqual([[0, 1], [2, 3], [4]]);
    expect(batches[2]).toMatchObject({ positions: 1, feeds: { x: arrayOf('float32', [1, 2], [8, 9]) } });
    expect(batches[1]!.labels).toEqual(arrayOf('int64', [2], [2, 3]));
    expect((await set.rangeBatch()).sequences).toBe(2);
  });

  it('fills a fixed batch with rows that do not count, in shards too', async () => {
    const path = await newFile('a.npz', npz({ x: npy('<f4', [3, 2], floats) }));
    const inputs = [input('x', [2, 2], DataType.FLOAT)];
    const set = await openData(spec({ data: path, ...mlp, inputs }));
    const batches = await batchesOf(set);
    expect(batches.map(({ mask }) => [...(mask!.data as Uint8Array)])).toEqual([
      [1, 1],
      [1, 0],
    ]);
    expect(batches.map(({ positions }) => positions)).toEqual([2, 1]);
    const shard = await openData(spec({ data: path, ...mlp, inputs, shard: { index: 0, count: 2 } }));
    expect((await batchesOf(shard)).map(({ blocks }) => blocks)).toEqual([[0, 2]]);
  });

  it('of token ids gets its other inputs filled, and its attention mask counts', async () => {
    const ids = BigInt64Array.from([1n, 2n, 3n, 4n, 5n, 0n]);
    const mask = BigInt64Array.from([1n, 1n, 1n, 1n, 1n, 0n]);
    const files = { input_ids: npy('<i8', [2, 3], ids), attention_mask: npy('<i8', [2, 3], mask) };
    const inputs = [...gpt2Inputs, input('position_ids', ['b', 's'])];
    const set = await openData(spec({ data: await newFile('a.npz', npz(files)), inputs }));
    const [batch] = await batchesOf(set);
    expect(set.masked).toBe(true);
    expect(batch).toMatchObject({ positions: 5, mask: { dims: [2, 3] } });
    expect(batch!.feeds.position_ids).toEqual(arrayOf('int64', [2, 3], [0, 1, 2, 0, 1, 2]));
    const [plain] = await batchesOf(
      await openData(spec({ data: await newFile('b.npz', npz({ input_ids: files.input_ids })), inputs })),
    );
    expect(plain).toMatchObject({ positions: 6, mask: null });
  });

  it('that does not fit the model is refused with names and shapes', async () => {
    const path = await newFile('a.npz', npz({ x: npy('<f4', [2, 3], floats) }));
    await expect(openData(spec({ data: path, ...mlp }))).rejects.toThrow(
      /array "x" of .* has the shape \[2, 3\], but the model's input is "x" \(float32 \[batch, 2\]\)/,
    );
    const other = [input('y1', ['b', 3], DataType.FLOAT)];
    await expect(openData(spec({ data: path, ...mlp, inputs: other }))).rejects.toThrow(
      /None of the arrays .* \(x\)/,
    );
    const two = [input('x', ['b', 3], DataType.FLOAT), input('z', ['b'], DataType.FLOAT)];
    await expect(openData(spec({ data: path, ...mlp, inputs: two }))).rejects.toThrow(
      /input "z" \(float32 \[b\]\)/,
    );
  });
});

describe('a .npz that unpacks to far more than its size', () => {
  it('is refused by its directory, before anything is unpacked', async () => {
    const zeros = await newFile(
      'zeros.npz',
      npz({ x: npy('<f4', [50_000_000], new Float32Array(50_000_000)) }),
    );
    await expect(readNpz(zeros)).rejects.toThrow(
      /unpacks to more than 134,217,728: write it without compression/,
    );
  });
});
