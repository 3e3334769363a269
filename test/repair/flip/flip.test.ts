import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../src/app/audit.js';
import { normalStream } from '../../../src/data/arrays/normal-stream.js';
import { encodeModel } from '../../../src/onnx/encode.js';
import { openModel } from '../../../src/onnx/skeleton.js';
import { readNumbers } from '../../../src/onnx/tensors.js';
import { flip } from '../../../src/repair/flip/flip.js';
import type { FlipReport } from '../../../src/repair/flip/schema.js';
import { flipReportSchema } from '../../../src/repair/flip/schema.js';
import { renderFlip } from '../../../src/repair/flip/table.js';
import { buildFile, buildModel, type ModelSpec, type NodeSpec, type TensorSpec } from '../../build.js';
import { writeNpz } from '../../npz.js';

const folder = () => mkdtempSync(join(tmpdir(), 'audit-flip-'));
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

function data(rows: number, width: number, seed = 1): string {
  const values = new Float32Array(rows * width);
  normalStream(seed)(values, 1);
  return writeNpz(join(folder(), 'x.npz'), { x: { dims: [rows, width], data: values } });
}

/** A random ReLU network of the given widths and a linear output; biases N(0, 1) where `bias`. */
function randomNet(widths: number[], seed: number, bias: boolean, type = 'float32'): ModelSpec {
  const normal = normalStream(seed);
  const numbers = (count: number): Float32Array => {
    const values = new Float32Array(count);
    normal(values, 1);
    return values;
  };
  const initializers: Record<string, TensorSpec> = {};
  const nodes: NodeSpec[] = [];
  let at = 'x';
  for (const [k, width] of widths.slice(1).entries()) {
    initializers[`w${k}`] = [type, [width, widths[k]!], numbers(width * widths[k]!)];
    if (bias) initializers[`b${k}`] = [type, [width], numbers(width)];
    nodes.push(['Gemm', [at, `w${k}`, ...(bias ? [`b${k}`] : [])], [`pre${k}`], { transB: 1 }]);
    nodes.push(['Relu', [`pre${k}`], [`post${k}`]]);
    at = `post${k}`;
  }
  initializers.v = [type, [widths.at(-1)!, 1], 1];
  nodes.push(['MatMul', [at, 'v'], ['y']]);
  return { inputs: { x: [type, ['rows', widths[0]!]] }, initializers, nodes, outputs: ['y'] };
}

/** One unit a layer, with b so low that a layer kills nearly all. */
const harsh: ModelSpec = {
  inputs: { x: ['float32', ['rows', 2]] },
  initializers: {
    w0: ['float32', [2, 2], [1, 0, 0, 1]],
    b0: ['float32', [2], -2],
    w1: ['float32', [2, 2], [1, 0, 0, 1]],
    b1: ['float32', [2], [0.5, 0.5]],
    v: ['float32', [2, 1], 1],
  },
  nodes: [
    ['Gemm', ['x', 'w0', 'b0'], ['pre0']],
    ['Relu', ['pre0'], ['post0']],
    ['Gemm', ['post0', 'w1', 'b1'], ['pre1']],
    ['Relu', ['pre1'], ['post1']],
    ['MatMul', ['post1', 'v'], ['y']],
  ],
  outputs: ['y'],
};

const weights = (path: string) =>
  Object.fromEntries(
    openModel(path).proto.graph!.initializer.map((tensor) => [tensor.name, [...readNumbers(tensor)]]),
  );

describe('flip', () => {
  it('negates weights and bias of a layer that kills more than half of the data, and nothing else', async () => {
    const model = buildFile(harsh);
    const output = join(folder(), 'out.onnx');
    const before = readFileSync(model);
    const report = await flip({ model, data: data(200, 2), device: 'cpu', to: { output } });
    expect(report.summary).toMatchObject({ outcome: 'flipped', flipped: 1, points: 200 });
    expect(report.layers.map(({ action }) => action)).toEqual(['flipped', 'kept']);
    expect(report.layers[0]!.tensors.map(({ initializer }) => initializer)).toEqual(['w0', 'b0']);
    const [old, now] = [weights(model), weights(output)];
    expect(now.w0).toEqual(old.w0!.map((w: number) => -w));
    expect(now.b0).toEqual([2, 2]);
    expect({ ...now, w0: 0, b0: 0 }).toEqual({ ...old, w0: 0, b0: 0 });
    // One sign bit of each of six numbers.
    const after = readFileSync(output);
    const changed = [...after].filter((byte, i) => byte !== before[i]).length;
    expect([changed, report.summary.bytesChanged]).toEqual([6, 6]);
    expect(report.output!.files[0]!.sha256).toEqual({ before: sha256(model), after: sha256(output) });
    expect(flipReportSchema.parse(JSON.parse(JSON.stringify(report)))).toBeDefined();
    expect(renderFlip(report)).toMatch(/1 layer negated; alive after the last layer/);
  });

  it('keeps at least ⌊M / 2^k⌋ of M data points alive in any random network', async () => {
    let flips = 0;
    const net = fc.record({
      widths: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 6 }),
      seed: fc.integer({ min: 1, max: 1e6 }),
      bias: fc.boolean(),
      rows: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(net, async ({ widths, seed, bias, rows }) => {
        const model = buildFile(randomNet(widths, seed, bias));
        const output = join(folder(), 'out.onnx');
        const x = data(rows, widths[0]!, seed + 1);
        const report = await flip({ model, data: x, device: 'cpu', threads: 1, to: { output } });
        flips += report.summary.flipped;
        const k = widths.length - 1;
        expect(report.summary.guaranteed).toBe(Math.floor(rows / 2 ** k));
        expect(report.summary.alive.after).toBeGreaterThanOrEqual(report.summary.guaranteed!);
        // An audit of the file agrees with what was found in overlays, layer by layer.
        const audited = await audit({ model: output, data: x, device: 'cpu', threads: 1, hash: false });
        const alive = audited.layers.map(({ aliveShare }) => Math.round(aliveShare! * rows));
        expect(alive).toEqual(report.layers.map((layer) => layer.alive.after));
        for (const [i, count] of alive.entries()) {
          expect(2 * count).toBeGreaterThanOrEqual(i === 0 ? rows : alive[i - 1]!);
        }
      }),
      { numRuns: 12 },
    );
    expect(flips).toBeGreaterThan(0);
  }, 120_000);

  it('finds nothing to flip the second time', async () => {
    const model = buildFile(harsh);
    const [once, x] = [join(folder(), 'once.onnx'), data(50, 2)];
    await flip({ model, data: x, device: 'cpu', to: { output: once } });
    const again = await flip({ model: once, data: x, device: 'cpu', to: null });
    expect(again.summary.outcome).toBe('nothing-to-flip');
    expect(again.output).toBeNull();
  });

  it.each(['float16', 'float64', 'bfloat16'])('flips the sign bits of %s', async (type) => {
    // ONNX Runtime's CPU has no bfloat16 Gemm: the numbers are cast where they are read.
    const cast = type === 'float64' || type === 'bfloat16';
    const stored = (name: string) => (cast ? `${name}f` : name);
    const spec: ModelSpec = {
      inputs: { x: ['float32', ['rows', 2]] },
      initializers: {
        w: [type, [2, 2], [1, 0.5, -0.25, 1]],
        b: [type, [2], -3],
        v: ['float32', [2, 1], 1],
      },
      nodes: [
        ['Cast', ['w'], ['wf'], { to: 1 }],
        ['Cast', ['b'], ['bf'], { to: 1 }],
        [
          'Gemm',
          ['x', stored('w'), stored('b')].map((n) => (n === 'w' ? 'wf' : n === 'b' ? 'bf' : n)),
          ['pre'],
        ],
        ['Relu', ['pre'], ['post']],
        ['MatMul', ['post', 'v'], ['y']],
      ],
      outputs: ['y'],
    };
    const output = join(folder(), 'out.onnx');
    await flip({ model: buildFile(spec), data: data(60, 2), device: 'cpu', to: { output } });
    expect(weights(output)).toMatchObject({ w: [-1, -0.5, 0.25, -1], b: [3, 3] });
  });
});

describe('int8 weights', () => {
  const quantized = (codes: number[], zero: number, type = 'int8'): ModelSpec => ({
    inputs: { x: ['float32', ['rows', 2]] },
    initializers: {
      w: [type, [2, 2], codes],
      scale: 0.1,
      zero: [type, [], [zero]],
      b: ['float32', [2], -30],
      v: ['float32', [2, 1], 1],
    },
    nodes: [
      ['DequantizeLinear', ['w', 'scale', 'zero'], ['wf']],
      ['Gemm', ['x', 'wf', 'b'], ['pre']],
      ['Relu', ['pre'], ['post']],
      ['MatMul', ['post', 'v'], ['y']],
    ],
    outputs: ['y'],
  });
  const run = (spec: ModelSpec) =>
    flip({
      model: buildFile(spec),
      data: data(40, 2),
      device: 'cpu',
      to: { output: join(folder(), 'o.onnx') },
    });

  it('are mirrored about their zero point', async () => {
    const plain = await run(quantized([1, -2, 127, -127], 0));
    expect(weights(plain.output!.path).w).toEqual([-1, 2, -127, 127]);
    const shifted = await run(quantized([0, 10, 100, 200], 120, 'uint8'));
    expect(weights(shifted.output!.path).w).toEqual([240, 230, 140, 40]);
  });

  it('are refused with the reason where a code has no mirror', async () => {
    const least = await run(quantized([1, -128, 3, 4], 0));
    expect(least.layers[0]).toMatchObject({ action: 'refused' });
    expect(least.layers[0]!.reason).toMatch(/`w` holds -128, and int8 cannot hold −\(-128\)/);
    expect(least.summary).toMatchObject({ outcome: 'refused', guaranteed: null, bytesChanged: 0 });
    const shifted = await run(quantized([0, 250, 100, 200], 120, 'uint8'));
    expect(shifted.layers[0]!.reason).toMatch(/holds 250, and uint8 cannot hold its mirror -10/);
  });
});

describe('layers that are not plain', () => {
  const tail: NodeSpec[] = [
    ['Relu', ['pre'], ['post']],
    ['MatMul', ['post', 'v'], ['y']],
  ];
  const net = (nodes: NodeSpec[], initializers: Record<string, TensorSpec>): ModelSpec => ({
    inputs: { x: ['float32', ['rows', 2]] },
    initializers: { w: ['float32', [2, 2], [1, 0, 0, 1]], v: ['float32', [2, 2], 1], ...initializers },
    nodes: [...nodes, ...tail],
    outputs: ['y'],
  });
  const run = async (spec: ModelSpec): Promise<{ report: FlipReport; output: string }> => {
    const output = join(folder(), 'out.onnx');
    return {
      output,
      report: await flip({ model: buildFile(spec), data: data(60, 2), device: 'cpu', to: { output } }),
    };
  };

  it('with a batch normalization are negated by its scale and shift', async () => {
    const { output, report } = await run(
      net(
        [
          ['MatMul', ['x', 'w'], ['m']],
          ['BatchNormalization', ['m', 's', 'c', 'mean', 'var'], ['pre']],
        ],
        {
          s: ['float32', [2], [1, 2]],
          c: ['float32', [2], -4],
          mean: ['float32', [2], 0.5],
          var: ['float32', [2], 1],
        },
      ),
    );
    expect(report.summary.outcome).toBe('flipped');
    expect(weights(output)).toMatchObject({ s: [-1, -2], c: [4, 4], mean: [0.5, 0.5], w: [1, 0, 0, 1] });
  });

  it('with shared weights are refused, but shared zero biases need no flip', async () => {
    const shared = await run(
      net(
        [
          ['MatMul', ['x', 'w'], ['m']],
          ['Sub', ['m', 'c'], ['pre']],
        ],
        { c: ['float32', [2], 4] },
      ),
    );
    expect(weights(shared.output)).toMatchObject({ w: [-1, -0, -0, -1], c: [-4, -4] });
    const tied = net(
      [
        ['MatMul', ['x', 'w'], ['m']],
        ['Sub', ['m', 'c'], ['pre0']],
        ['Relu', ['pre0'], ['post0']],
        ['MatMul', ['post0', 'w'], ['m1']],
        ['Sub', ['m1', 'c'], ['pre']],
      ],
      { c: ['float32', [2], 4] },
    );
    const { report } = await run(tied);
    expect(report.layers[0]).toMatchObject({
      action: 'refused',
      reason: expect.stringMatching(/`w` is shared/),
    });
    const zero = net(
      [
        ['Gemm', ['x', 'w', 'zero'], ['pre0']],
        ['Relu', ['pre0'], ['post0']],
        ['Gemm', ['post0', 'u', 'zero'], ['pre']],
      ],
      { u: ['float32', [2, 2], [-1, -1, -1, -1]], zero: ['float32', [2], 0] },
    );
    const { report: fine } = await run(zero);
    expect(fine.layers[1]!.tensors.map(({ initializer }) => initializer)).toEqual(['u']);
  });
});

describe('external data', () => {
  /** The harsh network with w0 and b0 in a file of their own. */
  function external(): { folder: string; model: string } {
    const at = folder();
    const proto = buildModel(harsh);
    const [w0, b0] = ['w0', 'b0'].map((name) => proto.graph!.initializer.find((each) => each.name === name)!);
    writeFileSync(join(at, 'weights.bin'), Buffer.concat([w0!.rawData!, b0!.rawData!]));
    const entry = (key: string, value: string) => ({ key, value, unknown: [] });
    for (const [tensor, offset, length] of [
      [w0!, 0, 16],
      [b0!, 16, 8],
    ] as const) {
      delete tensor.rawData;
      tensor.dataLocation = 1;
      tensor.externalData = [
        entry('location', 'weights.bin'),
        entry('offset', String(offset)),
        entry('length', String(length)),
      ];
    }
    const model = join(at, 'model.onnx');
    writeFileSync(model, encodeModel(proto));
    return { folder: at, model };
  }

  it('is cloned with its patched bytes beside the original under a new name, which the output reads', async () => {
    const { folder: at, model } = external();
    const x = data(60, 2);
    const files = [model, join(at, 'weights.bin')];
    const before = files.map(sha256);
    const output = join(at, 'o.onnx');
    const report = await flip({ model, data: x, device: 'cpu', to: { output } });
    expect(readdirSync(at).sort()).toEqual(['model.onnx', 'o.onnx', 'o.onnx.data', 'weights.bin']);
    expect(files.map(sha256)).toEqual(before);
    expect(weights(output)).toMatchObject({ w0: [-1, -0, -0, -1], b0: [2, 2] });
    const [, copy] = report.output!.files;
    expect(copy).toMatchObject({
      name: 'o.onnx.data',
      sha256: { before: before[1], after: sha256(join(at, 'o.onnx.data')) },
    });
    expect(report.output!.files[0]!.sha256.after).toBe(sha256(output));
    const audited = await audit({ model: output, data: x, device: 'cpu' });
    expect(audited.layers[0]!.aliveShare).toBeGreaterThan(0.5);
  });

  it('is cloned with its patched bytes into another folder', async () => {
    const { folder: at, model } = external();
    const x = data(60, 2);
    const files = [model, join(at, 'weights.bin')];
    const before = files.map(sha256);
    const output = join(folder(), 'o.onnx');
    const report = await flip({ model, data: x, device: 'cpu', to: { output } });
    expect(report.output!.files.map(({ name }) => name)).toEqual(['model.onnx', 'weights.bin']);
    expect(weights(output)).toMatchObject({ w0: [-1, -0, -0, -1], b0: [2, 2] });
    expect(sha256(output)).toBe(before[0]);
    expect(files.map(sha256)).toEqual(before);
    const audited = await audit({ model: output, data: x, device: 'cpu' });
    expect(audited.layers[0]!.aliveShare).toBeGreaterThan(0.5);
  });

  it('is replaced by its patched clone in place', async () => {
    const { folder: at, model } = external();
    await flip({ model, data: data(60, 2), device: 'cpu', to: { inPlace: true } });
    expect(weights(model)).toMatchObject({ b0: [2, 2] });
    expect(readdirSync(at).sort()).toEqual(['model.onnx', 'weights.bin']);
  });
});

describe('bad input', () => {
  it('with nothing to flip writes an identical clone', async () => {
    const spec = { ...harsh, initializers: { ...harsh.initializers, b0: ['float32', [2], 5] as TensorSpec } };
    const model = buildFile(spec);
    const output = join(folder(), 'out.onnx');
    const report = await flip({ model, data: data(30, 2), device: 'cpu', to: { output } });
    expect(report.summary.outcome).toBe('nothing-to-flip');
    expect(sha256(output)).toBe(sha256(model));
    expect(renderFlip(report)).toMatch(/nothing to\s+flip/);
  });

  it('refuses an output that is the input, a missing folder and a read-only one; nothing is left behind', async () => {
    const model = buildFile(harsh);
    const hash = sha256(model);
    const x = data(30, 2);
    const alias = join(folder(), 'alias.onnx');
    symlinkSync(model, alias);
    const to = (output: string) => flip({ model, data: x, device: 'cpu', to: { output } });
    await expect(to(model)).rejects.toMatchObject({ code: 'output-is-input' });
    await expect(to(alias)).rejects.toMatchObject({ code: 'output-is-input' });
    await expect(to('/no/such/folder/o.onnx')).rejects.toMatchObject({ code: 'cannot-write' });
    const locked = folder();
    chmodSync(locked, 0o555);
    if (process.getuid?.() !== 0) {
      await expect(to(join(locked, 'o.onnx'))).rejects.toMatchObject({ code: 'cannot-write' });
    }
    expect(readdirSync(dirname(model))).toEqual(['model.onnx']);
    expect(sha256(model)).toBe(hash);
  });

  it('changes the model itself only with --in-place', async () => {
    const model = buildFile(harsh);
    await flip({ model, data: data(30, 2), device: 'cpu', to: { inPlace: true } });
    expect(weights(model).b0).toEqual([2, 2]);
    expect(readdirSync(dirname(model))).toEqual(['model.onnx']);
  });

  it('refuses what is no rectifier network, with the reason', async () => {
    const nodes = harsh.nodes.map(
      (node): NodeSpec => (node[0] === 'Relu' ? ['Tanh', node[1], node[2]] : node),
    );
    const model = buildFile({ ...harsh, nodes });
    const output = join(folder(), 'out.onnx');
    await expect(flip({ model, data: data(9, 2), device: 'cpu', to: { output } })).rejects.toMatchObject({
      code: 'not-a-rectifier-network',
      message: expect.stringMatching(/no ReLU between linear layers/),
    });
    expect(existsSync(output)).toBe(false);
  });

  it('writes nothing when interrupted', async () => {
    const output = join(folder(), 'out.onnx');
    const stop = new AbortController();
    const running = flip({
      model: buildFile(harsh),
      data: data(30, 2),
      device: 'cpu',
      to: { output },
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await expect(running).rejects.toMatchObject({ name: 'Interrupted' });
    expect(existsSync(output)).toBe(false);
  });
});
