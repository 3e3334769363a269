import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { canCut, cutDims, cutTensor, wholeTensor } from '../../src/onnx/cut.js';
import { decodeModel, openModel } from '../../src/onnx/skeleton.js';
import { tensorBytes } from '../../src/onnx/tensors.js';
import type { TensorProto } from '../../src/onnx/types.js';
import { writeModel } from '../../src/onnx/write-model.js';
import type { Deferred } from '../../src/onnx/writer.js';
import { buildFile, buildModel, tensor } from '../build.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-cut-'));
afterAll(() => rmSync(folder, { recursive: true }));

function joined({ chunks }: Deferred): Uint8Array {
  return Uint8Array.from(Array.from(chunks(), (chunk) => [...chunk]).flat());
}

/** The same by multi-index, one element at a time. */
function naive(numbers: number[], dims: number[], removed: Map<number, number[]>): number[] {
  return numbers.filter((_, flat) =>
    dims.every((dim, axis) => {
      const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
      return !removed.get(axis)?.includes(Math.floor(flat / inner) % dim);
    }),
  );
}

describe('cutTensor', () => {
  const cases = fc
    .array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 })
    .chain((dims) =>
      fc.tuple(
        fc.constant(dims),
        fc.tuple(...dims.map((dim) => fc.subarray(Array.from({ length: dim }, (_, i) => i)))),
        fc.constantFrom('float32', 'float16', 'int8', 'int64'),
      ),
    );

  it('leaves out exactly the removed indices of every axis', () => {
    fc.assert(
      fc.property(cases, ([dims, lists, type]) => {
        const count = dims.reduce((product, dim) => product * dim, 1);
        const numbers = Array.from({ length: count }, (_, i) => i % 100);
        const removed = new Map(lists.map((list, axis) => [axis, list]));
        const whole = tensor(type, dims, numbers);
        const kept = naive(numbers, dims, removed);
        const cut = cutTensor(whole, removed);
        const expected = tensorBytes(tensor(type, [kept.length], kept));
        expect(cut.lengthBytes).toBe(expected.length);
        expect(joined(cut)).toEqual(Uint8Array.from(expected));
        expect(cutDims(whole, removed)).toEqual(dims.map((dim, axis) => dim - lists[axis]!.length));
      }),
    );
  });

  it('reads a large tensor from disk in windows, across their boundaries', () => {
    const [rows, columns] = [1100, 700];
    const numbers = Float32Array.from({ length: rows * columns }, (_, i) => i);
    const path = buildFile({
      inputs: { x: ['float32', [1]] },
      initializers: { w: ['float32', [rows, columns], numbers] },
      nodes: [['Identity', ['x'], ['y']]],
      outputs: ['y'],
    });
    const stored = openModel(path).proto.graph!.initializer[0]!;
    expect(stored.rawData).toBeUndefined();
    const removed = new Map([
      [0, [0, 374, 375, 1099]],
      [1, [0, 3, 698]],
    ]);
    const cut = cutTensor(stored, removed);
    const largest = Math.max(...[...cut.chunks()].map((chunk) => chunk.length));
    expect(largest).toBeLessThanOrEqual(1 << 20);
    const bytes = Buffer.concat(Array.from(cut.chunks(), (chunk) => Buffer.from(chunk)));
    const found = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const expected = Float32Array.from(
      [...numbers.keys()].filter((i) => {
        const [row, column] = [Math.floor(i / columns), i % columns];
        return !removed.get(0)!.includes(row) && !removed.get(1)!.includes(column);
      }),
    );
    expect(found.length).toBe(expected.length);
    expect(
      Buffer.from(found.buffer, found.byteOffset, found.byteLength).equals(Buffer.from(expected.buffer)),
    ).toBe(true);
  });

  it('refuses elements smaller than a byte', () => {
    const packed: TensorProto = { ...tensor('uint8', [2], [1, 2]), dims: [4n], dataType: 21 };
    expect(canCut(packed)).toBe(false);
    expect(() => cutTensor(packed, new Map([[0, [1]]]))).toThrow(/smaller than a byte/);
  });
});

describe('writeModel', () => {
  const model = () =>
    buildModel({
      inputs: { x: ['float32', [1, 64]] },
      initializers: {
        w: ['float32', [64, 64], Float32Array.from({ length: 4096 }, (_, i) => i / 7)],
        b: ['float32', [64], 0.5],
      },
      nodes: [
        ['MatMul', ['x', 'w'], ['h']],
        ['Add', ['h', 'b'], ['y']],
      ],
      outputs: ['y'],
    });

  it('writes the bytes of tensors that stay as they are', () => {
    const source = buildFile({ ...spec });
    const { proto } = openModel(source);
    const path = join(folder, 'same.onnx');
    const { modelBytes, dataBytes } = writeModel(proto, () => null, path, {
      path: `${path}.data`,
      location: 'd',
    });
    expect(dataBytes).toBeNull();
    expect(readFileSync(path).length).toBe(modelBytes);
    const written = decodeModel(readFileSync(path)).graph!.initializer;
    for (const [i, before] of proto.graph!.initializer.entries()) {
      expect(Uint8Array.from(tensorBytes(written[i]!))).toEqual(Uint8Array.from(tensorBytes(before)));
    }
  });

  it('keeps external tensors external, each at the bytes its entry says, large ones at a page', () => {
    const proto = model();
    const [w, b] = proto.graph!.initializer as [TensorProto, TensorProto];
    const bytes = tensorBytes(w);
    writeFileSync(join(folder, 'old.data'), bytes);
    const span = { file: join(folder, 'old.data'), startBytes: 0, endBytes: bytes.length };
    const { rawData: _, ...bare } = w;
    proto.graph!.initializer = [
      { ...b, dataLocation: 1 },
      { ...bare, span, dataLocation: 1 },
    ];
    const path = join(folder, 'ext.onnx');
    writeModel(proto, () => null, path, { path: `${path}.data`, location: 'ext.onnx.data' });
    const opened = openModel(path);
    expect(opened.files.map(({ name }) => name)).toEqual(['ext.onnx', 'ext.onnx.data']);
    const [bias, weight] = opened.proto.graph!.initializer;
    expect(tensorBytes(weight!)).toEqual(Uint8Array.from(bytes));
    expect(tensorBytes(bias!)).toEqual(tensorBytes(b));
    expect(weight!.span!.startBytes % 4096).toBe(0);
  });

  it('puts changed bytes in the place of the old ones', () => {
    const proto = model();
    const [w] = proto.graph!.initializer;
    const cut = cutTensor(w!, new Map([[1, [0, 1]]]));
    const { rawData: _, ...rest } = w!;
    const narrower: TensorProto = { ...rest, dims: [64n, 62n] };
    proto.graph!.initializer[0] = narrower;
    const path = join(folder, 'cut.onnx');
    writeModel(proto, (one) => (one === narrower ? cut : null), path, {
      path: `${path}.data`,
      location: 'd',
    });
    const written = decodeModel(readFileSync(path)).graph!.initializer[0]!;
    expect(Uint8Array.from(tensorBytes(written))).toEqual(joined(cut));
    expect(wholeTensor(w!).lengthBytes).toBe(64 * 64 * 4);
  });
});

const spec = {
  inputs: { x: ['float32', [1, 64]] as ['float32', number[]] },
  initializers: {
    w: ['float32', [64, 64], Float32Array.from({ length: 4096 }, (_, i) => i / 7)] as [
      string,
      number[],
      Float32Array,
    ],
  },
  nodes: [['MatMul', ['x', 'w'], ['y']] as ['MatMul', string[], string[]]],
  outputs: ['y'],
};
