import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RunError, UserError } from '../../src/errors.js';
import type { NdArray } from '../../src/onnx/array.js';
import { openSession } from '../../src/runtime/session.js';
import type { SessionOptions } from '../../src/runtime/types.js';
import { externalFloats, model, square, type Tensor } from './models.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-session-'));
afterAll(() => rmSync(folder, { recursive: true }));

const cpu = (bytes: Uint8Array): SessionOptions => ({ model: bytes, folder, device: 'cpu', threads: 1 });
const floats = (...values: number[]): NdArray => ({
  type: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
});
const vector = (name: string, type: number): Tensor => ({ name, type, dims: ['n'] });

async function once(bytes: Uint8Array, feeds: Record<string, NdArray>, fetch: string[], count?: string[]) {
  const session = await openSession(cpu(bytes));
  try {
    return await session.run({ feeds, fetch, ...(count && { count }) });
  } finally {
    await session.dispose();
  }
}

describe('openSession', () => {
  it('runs a model from memory in another process', async () => {
    const session = await openSession(cpu(square));
    expect(session.pid).not.toBe(process.pid);
    expect(session.provider).toBe('CPUExecutionProvider');
    expect(session.onnxruntime).toMatch(/^1\.\d+\.\d+$/);
    expect(session.outputs).toEqual([{ name: 'y', type: 'float32', shape: ['n'] }]);
    expect(await session.run({ feeds: { x: floats(1, 2, -3) }, fetch: ['y'] })).toEqual({
      y: floats(1, 4, 9),
    });
    expect(session.peakRssBytes()).toBeGreaterThan(2e7);
    await session.dispose();
  });

  it('queues concurrent runs and answers each with its own result', async () => {
    const session = await openSession(cpu(square));
    const runs = Array.from({ length: 20 }, (_, i) => session.run({ feeds: { x: floats(i) }, fetch: ['y'] }));
    const results = await Promise.all(runs);
    expect(results.map(({ y }) => y?.data[0])).toEqual(results.map((_, i) => i * i));
    await session.dispose();
  });

  it('maps weights from a file beside the model', async () => {
    writeFileSync(join(folder, 'w.bin'), new Uint8Array(Float32Array.of(10, 20, 30).buffer));
    const scaled = model(
      [{ op: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
      [vector('x', 1)],
      [vector('y', 1)],
      { initializer: externalFloats('w', 3, 'w.bin') },
    );
    expect(await once(scaled, { x: floats(1, 2, 3) }, ['y'])).toEqual({ y: floats(10, 40, 90) });
  });

  it('flushes denormals to zero', async () => {
    expect((await once(square, { x: floats(1e-20) }, ['y'])).y?.data[0]).toBe(0);
  });

  it('brings back only what was asked for', async () => {
    const two = model(
      [
        { op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] },
        { op: 'Neg', inputs: ['x'], outputs: ['z'] },
      ],
      [vector('x', 1)],
      [vector('y', 1), vector('z', 1)],
    );
    expect(await once(two, { x: floats(5) }, ['z'])).toEqual({ z: floats(-5) });
  });

  it.each<[string, number, NdArray]>([
    ['float16', 10, { type: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xc500) }],
    ['int64', 7, { type: 'int64', dims: [2], data: BigInt64Array.of(-1n, 2n ** 62n) }],
    ['bool', 9, { type: 'bool', dims: [2], data: Uint8Array.of(1, 0) }],
    ['uint8', 2, { type: 'uint8', dims: [2], data: Uint8Array.of(255, 0) }],
    ['float64', 11, { type: 'float64', dims: [2], data: Float64Array.of(0.1, -0) }],
    ['int32', 6, { type: 'int32', dims: [0], data: new Int32Array(0) }],
  ])('carries %s there and back', async (_, type, array) => {
    const identity = model(
      [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      [vector('x', type)],
      [vector('y', type)],
    );
    expect(await once(identity, { x: array }, ['y'])).toEqual({ y: array });
  });

  it('counts byte values in the process and brings back 256 counts', async () => {
    const identity = model(
      [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      [vector('x', 2)],
      [vector('y', 2)],
    );
    const data = Uint8Array.from({ length: 1000 }, (_, i) => i);
    const { y } = await once(identity, { x: { type: 'uint8', dims: [1000], data } }, [], ['y']);
    expect(y).toMatchObject({ type: 'float64', dims: [256] });
    expect(y?.data[0]).toBe(4);
    expect(y?.data[255]).toBe(3);
  });
});

describe('a model that ONNX Runtime rejects', () => {
  const mul = (inputs: string[], opset = 17, ir = 8, op = 'Mul') =>
    model([{ op, inputs, outputs: ['y'] }], [vector('x', 1)], [vector('y', 1)], { opset, ir });
  const external = (location: string) =>
    model([{ op: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }], [vector('x', 1)], [vector('y', 1)], {
      initializer: externalFloats('w', 1000, location),
    });

  it.each<[string, Uint8Array, RegExp]>([
    ['no protobuf', Uint8Array.of(1, 2, 3), /protobuf parsing failed\.$/],
    ['no bytes', new Uint8Array(0), /rejects the model: /],
    ['a newer format', mul(['x', 'x'], 17, 99), /model: Unsupported model IR version: 99, max/],
    ['a newer opset', mul(['x', 'x'], 99), /model: ONNX Runtime only .* Opset 99/],
    ['an unknown operator', mul(['x', 'x'], 17, 8, 'Foo'), /No Op registered for Foo/],
    ['a dangling input', mul(['x', 'nowhere']), /Node input 'nowhere' is not a graph input/],
    ['no external data', external('gone.bin'), /External data path does not exist: ".*gone\.bin"/],
    ['escaping external data', external('../gone.bin'), /escapes model directory/],
  ])('is a user error: %s', async (_, bytes, message) => {
    const error = await openSession(cpu(bytes)).catch((e) => e);
    expect(error).toBeInstanceOf(UserError);
    expect(error.code).toBe('model-rejected');
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/onnxruntime_src|\n/);
  });
});

describe('a run that fails', () => {
  it('names the node and lets the session go on', async () => {
    const expand = model(
      [{ op: 'Expand', inputs: ['x', 'shape'], outputs: ['y'] }],
      [vector('x', 1), vector('shape', 7)],
      [{ name: 'y', type: 1, dims: ['a', 'b'] }],
    );
    const session = await openSession(cpu(expand));
    const to = (...dims: bigint[]): NdArray => ({
      type: 'int64',
      dims: [dims.length],
      data: BigInt64Array.from(dims),
    });
    const run = (shape: NdArray) => session.run({ feeds: { x: floats(1, 2), shape }, fetch: ['y'] });
    await expect(run(to(3n, 3n))).rejects.toThrow(
      new RunError('The run failed at node `my_Expand` (Expand): invalid expand shape.'),
    );
    await expect(run(to(10n ** 12n, 2n))).rejects.toThrow(/^Memory ran out at node `my_Expand`.*`batchSize`/);
    expect((await run(to(2n, 2n))).y?.dims).toEqual([2, 2]);
    await session.dispose();
  });

  it('names an input that was not fed and an output that does not exist', async () => {
    await expect(once(square, {}, ['y'])).rejects.toThrow("The run failed: input 'x' is missing in 'feeds'.");
    await expect(once(square, { x: floats(1) }, ['q'])).rejects.toThrow(/invalid output name: q\.$/);
  });
});
