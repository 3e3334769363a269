import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { fromOnnx } from '../../src/graph/from-onnx.js';
import { toOnnx } from '../../src/graph/to-onnx.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { openModel } from '../../src/onnx/skeleton.js';
import { buildFile, tensor } from '../build.js';

/** The model over its own file's weights: what every overlay is. */
async function overlay(path: string): Promise<{ bytes: Uint8Array; session: ort.InferenceSession }> {
  const { proto, folder } = openModel(path);
  const externalise = (span: { file: string }) => ({ location: relative(folder, span.file) });
  const bytes = encodeModel(toOnnx(fromOnnx(proto), { externalise }));
  const extra = { session: { model_external_initializers_file_folder_path: folder } };
  return { bytes, session: await ort.InferenceSession.create(bytes, { extra }) };
}

const bits = (results: ort.InferenceSession.OnnxValueMapType) =>
  Object.fromEntries(
    Object.entries(results).map(([name, value]) => {
      const data = (value as ort.Tensor).data as Float32Array;
      return [name, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')];
    }),
  );

/** Feeds of ones and zeros for whatever a model asks for; symbolic dimensions are 8. */
function feeds(session: ort.InferenceSession): Record<string, ort.Tensor> {
  const all: Record<string, ort.Tensor> = {};
  for (const meta of session.inputMetadata) {
    if (!meta.isTensor) throw new Error(`${meta.name} is no tensor`);
    const dims = meta.shape.map((dim) => (typeof dim === 'number' ? dim : 8));
    const count = dims.reduce((product, dim) => product * dim, 1);
    const data =
      meta.type === 'int64'
        ? BigInt64Array.from({ length: count }, (_, i) => BigInt(i % 2))
        : Float32Array.from({ length: count }, (_, i) => Math.sin(i));
    all[meta.name] = new ort.Tensor(meta.type as 'int64', data as BigInt64Array, dims);
  }
  return all;
}

const models = join(dirname(fileURLToPath(import.meta.url)), '../../models');
const shipped = readdirSync(models).filter((name) => existsSync(join(models, name, 'model.onnx')));

describe('a model that toOnnx writes over its original file', () => {
  it('gives the same bits with large initializers, Constant nodes and nested graphs', async () => {
    const weights = (seed: number) =>
      tensor(
        'float32',
        [64, 64],
        Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * seed)),
      );
    const path = buildFile({
      inputs: { c: ['bool', []], x: ['float32', ['b', 64]] },
      initializers: { w: weights(1), b: ['float32', [64], 0.5] },
      nodes: [
        ['Constant', [], ['k'], { value: weights(2) }],
        ['MatMul', ['x', 'w'], ['h']],
        ['Gemm', ['h', 'k', 'b'], ['g'], { transB: 1 }],
        [
          'If',
          ['c'],
          ['y'],
          {
            then_branch: {
              nodes: [
                ['Constant', [], ['inner'], { value: weights(3) }],
                ['MatMul', ['g', 'inner'], ['t']],
              ],
              outputs: { t: ['float32', ['b', 64]] },
            },
            else_branch: {
              initializers: { v: weights(4) },
              nodes: [['MatMul', ['g', 'v'], ['t']]],
              outputs: { t: ['float32', ['b', 64]] },
            },
          },
        ],
      ],
      outputs: { y: ['float32', ['b', 64]], g: ['float32', ['b', 64]] },
    });
    const original = await ort.InferenceSession.create(path);
    const { bytes, session } = await overlay(path);
    expect(bytes.length).toBeLessThan(3000);
    const x = new ort.Tensor(
      'float32',
      Float32Array.from({ length: 192 }, (_, i) => Math.cos(i)),
      [3, 64],
    );
    for (const choice of [0, 1]) {
      const all = { x, c: new ort.Tensor('bool', [choice], []) };
      expect(bits(await session.run(all))).toEqual(bits(await original.run(all)));
    }
  });

  it.each(shipped)('gives the same bits for the shipped model %s', async (name) => {
    const path = join(models, name, 'model.onnx');
    const original = await ort.InferenceSession.create(path);
    const { bytes, session } = await overlay(path);
    expect(bytes.length).toBeLessThan(readFileSync(path).length);
    const all = feeds(original);
    expect(bits(await session.run(all))).toEqual(bits(await original.run(all)));
    await Promise.all([original.release(), session.release()]);
  });
});
