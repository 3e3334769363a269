import type { Value } from '../../src/graph/graph.js';
import type { Model } from '../../src/graph/model.js';
import { toOnnx } from '../../src/graph/to-onnx.js';
import type { NdArray } from '../../src/onnx/array.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { openSession } from '../../src/runtime/session.js';

/** Runs a model as its graph stands; returns its outputs by name. */
export async function runGraph(
  model: Model,
  feeds: Record<string, NdArray>,
): Promise<Record<string, { dims: number[]; data: number[] }>> {
  const bytes = encodeModel(toOnnx(model));
  const session = await openSession({ model: bytes, folder: '.', device: 'cpu', threads: 1 });
  try {
    const fetch = model.graph.outputs.map(({ name }) => name);
    const results = await session.run({ feeds, fetch });
    const plain = ({ dims, data }: NdArray) => ({
      dims: [...dims],
      data: Array.from(data as Float32Array, Number),
    });
    return Object.fromEntries(Object.entries(results).map(([name, array]) => [name, plain(array)]));
  } finally {
    await session.dispose();
  }
}

/** The value of this name that some node computes. */
export function computed({ graph }: Model, name: string): Value {
  const value = [...graph.nodes].flatMap(({ outputs }) => outputs).find((output) => output?.name === name);
  if (!value) throw new Error(`no node computes ${name}`);
  return value;
}

export const floats = (dims: number[], data: number[]): NdArray => ({
  type: 'float32',
  dims,
  data: Float32Array.from(data),
});

export const bools = (...data: number[]): NdArray => ({
  type: 'bool',
  dims: [data.length],
  data: Uint8Array.from(data),
});
