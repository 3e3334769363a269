import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromOnnx } from '../../src/graph/from-onnx.js';
import { toOnnx } from '../../src/graph/to-onnx.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { decodeModel, openModel } from '../../src/onnx/skeleton.js';
import type { Span } from '../../src/onnx/types.js';
import { buildFile, buildModel, type ModelSpec, tensor } from '../build.js';
import { bytes, field } from '../onnx/messages.js';

const large = tensor(
  'float32',
  [40, 40],
  Array.from({ length: 1600 }, (_, i) => (i % 17) / 16),
);
const spec: ModelSpec = {
  inputs: { c: ['bool', []], x: ['float32', ['b', 40]] },
  initializers: { w: large, b: ['float32', [40], 0.5] },
  nodes: [
    ['Constant', [], ['k'], { value: large }],
    ['MatMul', ['x', 'w'], ['h'], {}, { name: 'mm' }],
    ['Gemm', ['h', 'k', 'b'], ['g'], { alpha: { f: 1 }, transB: 1 }],
    [
      'If',
      ['c'],
      ['y'],
      {
        then_branch: {
          nodes: [
            ['Constant', [], ['inner'], { value: large }],
            ['MatMul', ['g', 'inner'], ['t']],
          ],
          outputs: { t: ['float32', ['b', 40]] },
        },
        else_branch: { initializers: { v: large }, nodes: [['MatMul', ['g', 'v'], ['t']]], outputs: ['t'] },
      },
    ],
  ],
  outputs: { y: ['float32', ['b', 40]] },
  valueInfo: { h: ['float32', ['b', 40]] },
};
const beside = (span: Span) => ({ location: span.file.slice(span.file.lastIndexOf('/') + 1) });

describe('toOnnx', () => {
  it('writes an unchanged model as the same bytes', () => {
    const proto = buildModel(spec);
    proto.docString = 'doc';
    proto.graph!.docString = 'graph';
    proto.graph!.unknown = [field(14, bytes('quantization'))];
    proto.unknown = [field(20, bytes('training'))];
    proto.graph!.node[1]!.metadataProps = [{ key: 'a', value: 'b', unknown: [] }];
    proto.graph!.node[1]!.unknown = [field(10, bytes('device'))];
    proto.graph!.input[1]!.unknown = [field(100, 7)];
    proto.metadataProps = [{ key: 'm', value: 'n', unknown: [] }];
    const original = encodeModel(proto);
    expect(Buffer.compare(encodeModel(toOnnx(fromOnnx(decodeModel(original)))), original)).toBe(0);
    const path = buildFile(spec);
    expect(Buffer.compare(encodeModel(toOnnx(fromOnnx(openModel(path).proto))), readFileSync(path))).toBe(0);
  });

  it('sorts nodes so that each stands behind what it reads, and otherwise keeps their order', () => {
    const proto = buildModel({
      inputs: { x: ['float32', [2]] },
      nodes: [
        ['Neg', ['r'], ['y'], {}, { name: '0' }],
        ['Abs', ['x'], ['z'], {}, { name: '1' }],
        ['Relu', ['x'], ['r'], {}, { name: '2' }],
        ['Exp', ['x'], ['e'], {}, { name: '3' }],
      ],
      outputs: ['y', 'z', 'e'],
    });
    expect(toOnnx(fromOnnx(proto)).graph!.node.map((node) => node.name)).toEqual(['1', '2', '0', '3']);
  });

  it('refers to large tensors of the original file, and lifts large Constant nodes to be able to', () => {
    const path = buildFile(spec);
    const { proto } = openModel(path);
    const before = encodeModel(proto);
    const model = fromOnnx(proto);
    const written = toOnnx(model, { externalise: beside });
    const { graph } = written;
    expect(graph!.initializer.map((one) => [one.name, one.dataLocation])).toEqual([
      ['w', 1],
      ['b', undefined],
      ['k', 1],
    ]);
    expect(graph!.node.map((node) => node.opType)).toEqual(['MatMul', 'Gemm', 'If']);
    const [then, otherwise] = graph!.node[2]!.attribute.map((attribute) => attribute.g!);
    expect(then!.initializer.map((one) => [one.name, one.dataLocation])).toEqual([['inner', 1]]);
    expect(otherwise!.initializer.map((one) => [one.name, one.dataLocation])).toEqual([['v', 1]]);
    expect(encodeModel(written).length).toBeLessThan(2500);
    const w = graph!.initializer[0]!;
    const { startBytes, endBytes } = w.span!;
    expect(Object.fromEntries(w.externalData.map((pair) => [pair.key, pair.value]))).toEqual({
      location: 'model.onnx',
      offset: String(startBytes),
      length: String(endBytes - startBytes),
    });
    // Neither the message it came from nor the model has changed.
    expect(encodeModel(proto)).toEqual(before);
    expect(encodeModel(toOnnx(model))).toEqual(before);
  });

  it('writes tensors inline that the callback declines', () => {
    const { proto } = openModel(buildFile(spec));
    const written = encodeModel(toOnnx(fromOnnx(proto), { externalise: () => null }));
    const initializers = decodeModel(written).graph!.initializer;
    expect(initializers.map((one) => one.rawData?.length)).toEqual([6400, 160, 6400]);
  });

  it('prefers bytes in memory to those on disk', () => {
    const { proto } = openModel(buildFile(spec));
    const model = fromOnnx(proto);
    const w = model.graph.initializers[0]!;
    w.tensor = { ...w.tensor!, rawData: new Uint8Array(6400).fill(1) };
    const [written] = decodeModel(encodeModel(toOnnx(model, { externalise: beside }))).graph!.initializer;
    expect(written!.dataLocation).toBeUndefined();
    expect(written!.rawData?.[0]).toBe(1);
  });

  it('writes a changed type and name, and keeps what else was declared', () => {
    const proto = buildModel(spec);
    proto.graph!.output[0]!.docString = 'result';
    const model = fromOnnx(proto);
    const [y] = model.graph.outputs;
    y!.type = { elemType: 10, shape: ['b', null] };
    y!.name = 'z';
    const [output] = toOnnx(model).graph!.output;
    expect(output).toMatchObject({ name: 'z', docString: 'result' });
    expect(output!.type!.tensorType).toMatchObject({ elemType: 10, shape: { dim: [{ dimParam: 'b' }, {}] } });
  });
});
