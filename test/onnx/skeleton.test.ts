import * as fs from 'node:fs';
import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.js';
import { openModel } from '../../src/onnx/skeleton.js';
import { readFileRange } from '../../src/onnx/source.js';
import { readElements, readNumbers } from '../../src/onnx/tensors.js';
import type { ModelProto, TensorProto } from '../../src/onnx/types.js';
import { allTensors } from '../../src/onnx/walk.js';
import { buildFile, buildModel, tensor } from '../build.js';
import { bytes, emptyTensor, field, preamble, prefix } from './messages.js';

let bytesRead = 0;

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return {
    ...real,
    readSync: (...args: [number, NodeJS.ArrayBufferView, number, number, number]) => {
      const got = real.readSync(...args);
      bytesRead += got;
      return got;
    },
  };
});

const folder = () => mkdtempSync(join(tmpdir(), 'audit-skeleton-'));
const initializer = (model: ModelProto, name: string): TensorProto =>
  [...allTensors(model)].find((one) => one.name === name)!;
const spanBytes = ({ span }: TensorProto) => readFileRange(span!.file, span!.startBytes, span!.endBytes);

function file(content: Uint8Array, name = 'model.onnx'): string {
  const path = join(folder(), name);
  writeFileSync(path, content);
  return path;
}

beforeEach(() => {
  bytesRead = 0;
});

describe('openModel', () => {
  it('keeps 4,096 bytes in memory and leaves 4,097 on disk, and knows the span of both', () => {
    const counting = (count: number): ['uint8', number[], number[]] => [
      'uint8',
      [count],
      Array.from({ length: count }, (_, i) => i % 251),
    ];
    const path = buildFile({
      initializers: { small: counting(4096), large: counting(4097), none: ['float32', [0], []] },
      nodes: [['Identity', ['small'], ['y']]],
      outputs: ['y'],
    });
    const { proto } = openModel(path);
    const small = initializer(proto, 'small');
    const large = initializer(proto, 'large');
    expect(small.rawData).toHaveLength(4096);
    expect(spanBytes(small)).toEqual(small.rawData);
    expect(large.rawData).toBeUndefined();
    expect(Array.from(spanBytes(large))).toEqual(counting(4097)[2]);
    expect(readNumbers(initializer(proto, 'none'))).toHaveLength(0);
  });

  it('knows the span of packed float_data and double_data, the same little-endian bytes', () => {
    const floats = Array.from({ length: 2000 }, (_, i) => i / 4);
    const of = (data: Partial<TensorProto>, name: string, count: number, dataType: number): TensorProto => ({
      ...emptyTensor,
      ...data,
      name,
      dataType,
      dims: [BigInt(count)],
    });
    const model = buildModel({ nodes: [['Identity', ['f'], ['y']]], outputs: ['y'] });
    model.graph!.initializer = [
      of({ floatData: floats }, 'f', 2000, 1),
      of({ doubleData: floats }, 'd', 2000, 11),
      of({ floatData: floats.slice(0, 3) }, 's', 3, 1),
    ];
    const path = file(encodeModel(model));
    const { proto } = openModel(path);
    for (const name of ['f', 'd']) {
      const found = initializer(proto, name);
      expect(found.floatData).toEqual([]);
      expect(found.span).toBeDefined();
      expect(Array.from(readNumbers(found))).toEqual(floats);
      expect(Array.from(readElements(found, [1999, 0, 7]))).toEqual([floats[1999], 0, 1.75]);
    }
    const small = initializer(proto, 's');
    expect(small.floatData).toEqual([0, 0.25, 0.5]);
    expect(Array.from(new Float32Array(spanBytes(small).buffer))).toEqual([0, 0.25, 0.5]);
  });

  it('joins float_data in several pieces in memory, without a span', () => {
    const large = new Uint8Array(Float32Array.from({ length: 1500 }, (_, i) => i).buffer);
    const one = bytes(
      field(1, 1502),
      field(2, 1),
      field(4, large),
      [0x25, 0, 0, 0x80, 0x3f],
      field(4, bytes([0, 0, 0, 0x40])),
    );
    const path = file(bytes(preamble, field(7, field(5, one))));
    const [found] = openModel(path).proto.graph!.initializer;
    expect(found!.span).toBeUndefined();
    expect(found!.floatData.slice(-4)).toEqual([1498, 1499, 1, 2]);
  });

  it('leaves large tensors of Constant nodes, subgraphs and sparse initializers on disk too', () => {
    const large = (name: string) => tensor('float32', [2000], 0.5, name);
    const model = buildModel({
      inputs: { c: ['bool', []] },
      nodes: [
        ['Constant', [], ['k'], { value: large('constant') }],
        [
          'If',
          ['c'],
          ['y'],
          {
            then_branch: {
              initializers: { inner: large('inner') },
              nodes: [['Identity', ['inner'], ['t']]],
              outputs: ['t'],
            },
            else_branch: { nodes: [['Identity', ['k'], ['e']]], outputs: ['e'] },
          },
        ],
      ],
      outputs: ['y'],
    });
    model.graph!.sparseInitializer = [
      { values: large('sparse'), indices: tensor('int64', [2000], 1, 'at'), dims: [9000n], unknown: [] },
    ];
    const { proto } = openModel(file(encodeModel(model)));
    for (const name of ['constant', 'inner', 'sparse', 'at']) {
      expect(initializer(proto, name).span, name).toBeDefined();
      expect(initializer(proto, name).rawData, name).toBeUndefined();
    }
  });

  it('opens a file of 1.5 GB by reading its structure only', () => {
    const count = 375_000_000;
    const tail = prefix(9, count * 4);
    const head = bytes(field(1, count), field(2, 1), field(8, bytes('w')), tail);
    const graph = bytes(field(2, bytes('g')), prefix(5, head.length + count * 4), head);
    const start = bytes(preamble, prefix(7, graph.length + count * 4), graph);
    const path = file(start);
    truncateSync(path, start.length + count * 4);
    const { proto } = openModel(path);
    const span = initializer(proto, 'w').span!;
    expect([span.startBytes, span.endBytes]).toEqual([start.length, start.length + count * 4]);
    expect(bytesRead).toBeLessThan(200_000);
    expect(readElements(initializer(proto, 'w'), [0, count - 1])).toEqual(new Float32Array(2));
    expect(bytesRead).toBeLessThan(300_000);
  });

  it('opens a model with 3 GB of external data by reading its structure only', () => {
    const model = buildModel({ nodes: [['Identity', ['w0'], ['y']]], outputs: ['y'] });
    model.graph!.initializer = Array.from({ length: 3 }, (_, i) => external(`w${i}`, 250_000_000, i * 1e9));
    const path = file(encodeModel(model));
    writeFileSync(join(dirname(path), 'weights.bin'), '');
    truncateSync(join(dirname(path), 'weights.bin'), 3e9);
    const { proto, files } = openModel(path);
    expect(initializer(proto, 'w2').span).toMatchObject({ startBytes: 2e9, endBytes: 3e9 });
    expect(files.map((one) => one.bytes)).toEqual([expect.any(Number), 3e9]);
    expect(bytesRead).toBeLessThan(10_000);
  });

  it('writes back a file byte for byte, large tensors included', () => {
    const path = buildFile({
      inputs: { x: ['float32', ['b', 40]] },
      initializers: { w: ['float32', [40, 40], Array.from({ length: 1600 }, (_, i) => i)] },
      nodes: [['MatMul', ['x', 'w'], ['y']]],
      outputs: ['y'],
    });
    expect(Buffer.compare(encodeModel(openModel(path).proto), fs.readFileSync(path))).toBe(0);
  });

  it('gives one skeletonSha256 to a model, however its weights are stored and described', () => {
    const spec = {
      initializers: { w: tensor('float32', [2000], 0.5), b: tensor('float32', [2], [1, 2]) },
      nodes: [['Identity', ['w'], ['y']] as const].map(([a, b, c]): [string, string[], string[]] => [
        a,
        [...b],
        [...c],
      ]),
      outputs: ['y'],
    };
    const sum = (change: (model: ModelProto) => void, data?: Uint8Array) => {
      const model = buildModel(spec);
      change(model);
      const path = file(encodeModel(model));
      if (data) writeFileSync(join(dirname(path), 'weights.bin'), data);
      return openModel(path).skeletonSha256;
    };
    const inline = sum(() => {});
    expect(inline).toMatch(/^[0-9a-f]{64}$/);
    const outside = (model: ModelProto) => {
      model.graph!.initializer = [external('w', 2000, 8), external('b', 2, 0)];
    };
    const stored = bytes(new Uint8Array(Float32Array.of(1, 2).buffer), new Uint8Array(8000));
    expect(sum(outside, stored)).toBe(inline);
    const typed = (model: ModelProto) => {
      model.graph!.initializer[1] = { ...emptyTensor, name: 'b', dataType: 1, dims: [2n], floatData: [1, 2] };
    };
    expect(sum(typed)).toBe(inline);
    const described = (model: ModelProto) => {
      model.docString = 'doc';
      model.graph!.node[0]!.metadataProps = [{ key: 'stack_trace', value: '/home/me', unknown: [] }];
    };
    expect(sum(described)).toBe(inline);
    const retrained = (model: ModelProto) => {
      model.graph!.initializer[0] = tensor('float32', [2000], 0.25, 'w');
    };
    expect(sum(retrained)).toBe(inline);
    const renamed = (model: ModelProto) => {
      model.graph!.initializer[1] = tensor('float32', [2], [1, 3], 'b');
    };
    expect(sum(renamed)).not.toBe(inline);
  });
});

function external(name: string, count: number, offset: number): TensorProto {
  const entries = { location: 'weights.bin', offset: String(offset), length: String(count * 4) };
  return {
    ...emptyTensor,
    name,
    dataType: 1,
    dims: [BigInt(count)],
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value, unknown: [] })),
  };
}
