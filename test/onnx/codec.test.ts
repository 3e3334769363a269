import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.js';
import { decodeModel } from '../../src/onnx/skeleton.js';
import { readNumbers } from '../../src/onnx/tensors.js';
import { buildBytes } from '../build.js';
import { model } from './arbitrary-model.js';
import { field, bytes as join, preamble } from './messages.js';

/** Plain arrays for byte arrays, so that views and copies compare equal. */
const plain = (value: unknown): unknown =>
  ArrayBuffer.isView(value)
    ? Array.from(value as Uint8Array)
    : Array.isArray(value)
      ? value.map(plain)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
        : value;

describe('the codec', () => {
  it('reads back every message it writes, field by field, and writes it again byte for byte', () => {
    fc.assert(
      fc.property(model, (original) => {
        const encoded = encodeModel(original);
        const decoded = decodeModel(encoded);
        expect(plain(decoded)).toEqual(plain(original));
        expect(Buffer.compare(encodeModel(decoded), encoded)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps unknown fields of every wire type byte for byte, in the place of their number', () => {
    const extra = [
      field(20, join([0x0a, 1, 2])),
      field(99, 5),
      join([0xa5, 0x06, 1, 2, 3, 4]),
      join([0xa9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8]),
    ];
    const file = join(
      field(1, 8),
      field(7, join(field(2, join('g')), field(14, join('q')))),
      field(8, field(2, 17)),
      ...extra,
    );
    const decoded = decodeModel(file);
    expect(decoded.unknown.map((one) => [...one])).toEqual(extra.map((one) => [...one]));
    expect(decoded.graph?.unknown).toHaveLength(1);
    expect(Buffer.compare(encodeModel(decoded), file)).toBe(0);
  });

  it('keeps a known field of another wire type as an unknown field', () => {
    const odd = field(2, 7); // producer_name as a varint
    const decoded = decodeModel(join(preamble, odd, field(7, field(2, join('g')))));
    expect(decoded.producerName).toBeUndefined();
    expect(decoded.unknown.map((one) => [...one])).toEqual([[...odd]]);
  });

  it('reads packed and unpacked repeated numbers alike', () => {
    const packed = field(1, join([2, 3]));
    const unpacked = join(field(1, 2), field(1, 3));
    for (const dims of [packed, unpacked]) {
      const tensor = join(dims, field(2, 1), field(8, join('w')), field(9, new Uint8Array(24)));
      const decoded = decodeModel(join(preamble, field(7, field(5, tensor))));
      expect(decoded.graph?.initializer[0]?.dims).toEqual([2n, 3n]);
    }
    const floats = join([0x25, 0, 0, 0x80, 0x3f], field(4, join([0, 0, 0, 0x40])));
    const decoded = decodeModel(join(preamble, field(7, field(5, join(field(1, 2), field(2, 1), floats)))));
    expect(decoded.graph?.initializer[0]?.floatData).toEqual([1, 2]);
  });

  it('reads the integers of a tensor in one run, in several runs and one by one', () => {
    const run = (...numbers: number[]) => field(7, join(numbers));
    for (const data of [
      run(5, 6, 7),
      join(run(5), run(6, 7)),
      join(run(5, 6), field(7, 7)),
      join(field(7, 5), run(6, 7)),
    ]) {
      const tensor = join(field(1, 3), field(2, 7), data);
      const decoded = decodeModel(join(preamble, field(7, field(5, tensor)))).graph!.initializer[0]!;
      expect(Array.from(decoded.int64Data)).toEqual([5n, 6n, 7n]);
      expect([...readNumbers(decoded)]).toEqual([5, 6, 7]);
    }
  });

  it('merges a singular message that occurs twice, and lets the last scalar win', () => {
    const first = field(
      7,
      join(field(2, join('one')), field(10, join('doc')), field(12, field(1, join('y')))),
    );
    const second = field(7, join(field(2, join('two')), field(12, field(1, join('z')))));
    const { graph } = decodeModel(join(preamble, first, second));
    expect(graph?.name).toBe('two');
    expect(graph?.docString).toBe('doc');
    expect(graph?.output.map((one) => one.name)).toEqual(['y', 'z']);
  });

  it('keeps a byte order mark and text in any script', () => {
    const { graph } = decodeModel(join(preamble, field(7, field(2, join('\ufeffグラフ')))));
    expect(graph?.name).toBe('\ufeffグラフ');
  });

  it('gives a UserError or a valid prefix for a small model cut at every byte', () => {
    const whole = buildBytes({
      inputs: { x: ['float32', ['b', 4]] },
      initializers: { w: ['float32', [4, 2], 0.5], shape: ['int64', [2], [-1, 2]] },
      nodes: [
        ['MatMul', ['x', 'w'], ['h']],
        ['Relu', ['h'], ['r'], { alpha: 0.5, axes: [1, 2], mode: 'test', t: 3 }],
        ['Reshape', ['r', 'shape'], ['y']],
      ],
      outputs: { y: ['float32', ['b', 2]] },
      opsets: { custom: 3 },
    });
    for (let end = 0; end < whole.length; end++) {
      try {
        const decoded = decodeModel(whole.slice(0, end), 'cut.onnx');
        expect(encodeModel(decoded)).toEqual(whole.slice(0, end));
      } catch (error) {
        expect((error as Error).name).toBe('UserError');
        expect((error as Error).message).toMatch(/^(Expected|`cut\.onnx`) .*\.$/);
      }
    }
  });

  it('gives a UserError or a model for any bytes', () => {
    const whole = buildBytes({
      initializers: { w: ['float32', [4], 1] },
      nodes: [['Relu', ['w'], ['y']]],
      outputs: ['y'],
    });
    const mutated = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const noise = fc.uint8Array({ maxLength: 300 });
    const any = fc.oneof(
      noise,
      mutated.map((edits) => {
        const copy = whole.slice();
        for (const [at, byte] of edits) copy[at] = byte;
        return copy;
      }),
    );
    fc.assert(
      fc.property(any, (input) => {
        try {
          decodeModel(input);
        } catch (error) {
          expect((error as Error).name).toBe('UserError');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
