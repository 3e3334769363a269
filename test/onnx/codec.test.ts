import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.js';
import { decodeModel } from '../../src/onnx/skeleton.js';
import type { ModelProto } from '../../src/onnx/types.js';
import { buildBytes } from '../build.js';
import { emptyTensor, bytes as join, field, preamble } from './messages.js';

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Leaves out what is undefined, as the decoder does. */
const message = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc
    .record(fields)
    .map((one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)) as T);

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const float = fc.float({ noNaN: true });
const bytes = fc.uint8Array({ maxLength: 20 });
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
// Field numbers that no message has, so that they are unknown everywhere.
const unknown = fc.array(
  fc
    .tuple(fc.integer({ min: 200, max: 2 ** 29 - 1 }), fc.oneof(fc.nat(), bytes))
    .map(([n, value]) => field(n, value)),
  { maxLength: 2 },
);
const sorted = unknown.map((fields) => fields.slice(0, 1));
const list = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 3 });
const entry = message({ key: optional(text), value: optional(text), unknown: sorted });
const dim = message({ dimValue: optional(int64), dimParam: optional(text), denotation: optional(text), unknown: sorted });
const type = message({
  tensorType: optional(
    message({
      elemType: optional(fc.integer()),
      shape: optional(message({ dim: list(dim), unknown: sorted })),
      unknown: sorted,
    }),
  ),
  denotation: optional(text),
  unknown: sorted,
});
const info = message({
  name: optional(text),
  type: optional(type),
  docString: optional(text),
  metadataProps: list(entry),
  unknown: sorted,
});
// Numbers in any field, but of the size the dimensions ask for.
const tensor = fc.oneof(
  list(float).map((floatData) => ({ floatData, dataType: 1, dims: [BigInt(floatData.length)] })),
  list(fc.integer()).map((int32Data) => ({ int32Data, dataType: 6, dims: [BigInt(int32Data.length)] })),
  list(int64).map((int64Data) => ({ int64Data, dataType: 7, dims: [1n, BigInt(int64Data.length)] })),
  list(fc.double()).map((doubleData) => ({ doubleData, dataType: 11, dims: [BigInt(doubleData.length)] })),
  list(int64.map((v) => BigInt.asUintN(64, v))).map((uint64Data) => ({
    uint64Data,
    dataType: 13,
    dims: [BigInt(uint64Data.length)],
  })),
  list(bytes).map((stringData) => ({ stringData, dataType: 8, dims: [BigInt(stringData.length)] })),
  bytes.map((rawData) => ({ rawData, dataType: 2, dims: [BigInt(rawData.length)] })),
).chain((data) =>
  message({ name: optional(text), docString: optional(text), metadataProps: list(entry), unknown: sorted }).map((rest) => ({
    ...emptyTensor,
    ...data,
    ...rest,
  })),
);
const sparse = message({ values: optional(tensor), indices: optional(tensor), dims: list(int64), unknown: sorted });
const graph = fc.letrec((tie) => ({
  attribute: message({
    name: optional(text),
    refAttrName: optional(text),
    docString: optional(text),
    type: optional(fc.nat()),
    f: optional(float),
    i: optional(int64),
    s: optional(bytes),
    t: optional(tensor),
    g: fc.oneof({ depthSize: 'small' }, fc.constant(undefined), tie('graph')),
    sparseTensor: optional(sparse),
    floats: list(float),
    ints: list(int64),
    strings: list(bytes),
    tensors: list(tensor),
    graphs: fc.constant([]),
    unknown: sorted,
  }),
  node: message({
    input: list(text),
    output: list(text),
    name: optional(text),
    opType: optional(text),
    domain: optional(text),
    overload: optional(text),
    attribute: list(tie('attribute')),
    docString: optional(text),
    metadataProps: list(entry),
    unknown: sorted,
  }),
  graph: message({
    node: list(tie('node')),
    name: optional(text),
    initializer: list(tensor),
    sparseInitializer: list(sparse),
    docString: optional(text),
    input: list(info),
    output: list(info),
    valueInfo: list(info),
    metadataProps: list(entry),
    unknown: sorted,
  }),
}));
const opset = message({ domain: optional(text), version: optional(int64), unknown: sorted });
const functionProto = message({
  name: optional(text),
  domain: optional(text),
  overload: optional(text),
  input: list(text),
  output: list(text),
  attribute: list(text),
  attributeProto: list(graph.attribute),
  node: list(graph.node),
  docString: optional(text),
  opsetImport: list(opset),
  valueInfo: list(info),
  metadataProps: list(entry),
  unknown: sorted,
});
const model = message({
  irVersion: optional(int64),
  producerName: optional(text),
  producerVersion: optional(text),
  domain: optional(text),
  modelVersion: optional(int64),
  docString: optional(text),
  graph: graph.graph,
  opsetImport: fc.array(opset, { minLength: 1, maxLength: 3 }),
  metadataProps: list(entry),
  functions: list(functionProto),
  unknown: sorted,
}) as fc.Arbitrary<ModelProto>;

/** Plain arrays for byte arrays, so that views and copies compare equal. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? [...value]
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
    const file = join(field(1, 8), field(7, join(field(2, join('g')), field(14, join('q')))), field(8, field(2, 17)), ...extra);
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

  it('merges a singular message that occurs twice, and lets the last scalar win', () => {
    const first = field(7, join(field(2, join('one')), field(10, join('doc')), field(12, field(1, join('y')))));
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
    const whole = buildBytes({ initializers: { w: ['float32', [4], 1] }, nodes: [['Relu', ['w'], ['y']]], outputs: ['y'] });
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
