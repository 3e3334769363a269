import fc from 'fast-check';
import type { ModelProto } from '../../src/onnx/types.js';
import { emptyTensor, field } from './messages.js';

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
const list = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 2 });
const entry = message({ key: optional(text), value: optional(text), unknown: sorted });
const dim = message({
  dimValue: optional(int64),
  dimParam: optional(text),
  denotation: optional(text),
  unknown: sorted,
});
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
const tensor = fc
  .oneof(
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
  )
  .chain((data) =>
    message({
      name: optional(text),
      docString: optional(text),
      metadataProps: list(entry),
      unknown: sorted,
    }).map((rest) => ({
      ...emptyTensor,
      ...data,
      ...rest,
    })),
  );
const sparse = message({
  values: optional(tensor),
  indices: optional(tensor),
  dims: list(int64),
  unknown: sorted,
});
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
    g: fc.option(tie('graph'), { nil: undefined, freq: 1, maxDepth: 1, depthIdentifier: 'graph' }),
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
/** Any model with a graph and an opset version, whose tensors have the numbers that their dimensions ask for. */
export const model = message({
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
}) as unknown as fc.Arbitrary<ModelProto>;
