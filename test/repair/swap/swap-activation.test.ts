import { describe, expect, it } from 'vitest';
import type { Model } from '../../../src/graph/model.js';
import { toOnnx } from '../../../src/graph/to-onnx.js';
import { openAuditedFile } from '../../../src/measure/audited-model.js';
import { encodeModel } from '../../../src/onnx/encode.js';
import { f16ToF32, f32ToF16 } from '../../../src/onnx/floats.js';
import { findActivations } from '../../../src/patterns/activations.js';
import { encodeOverlay } from '../../../src/probe/overlay.js';
import { WRITTEN_ACTIVATIONS, type WrittenActivation } from '../../../src/repair/swap/spellings.js';
import { swapActivations } from '../../../src/repair/swap/swap-activation.js';
import { openSession } from '../../../src/runtime/session.js';
import { findSites } from '../../../src/sites/find.js';
import type { Site } from '../../../src/sites/types.js';
import { buildGraphModel, type ModelSpec } from '../../build.js';

const tanh = Math.tanh;
const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));
/** Φ by the trapezoid rule on the density: independent of any erf, good to 1e-9. */
function phi(t: number): number {
  const steps = 4000;
  const density = (u: number) => Math.exp((-u * u) / 2) / Math.sqrt(2 * Math.PI);
  let sum = (density(0) + density(t)) / 2;
  for (let i = 1; i < steps; i++) sum += density((t * i) / steps);
  return 0.5 + (sum * t) / steps;
}

/** The functions of PyTorch's documentation, in double precision. */
const reference: Record<WrittenActivation, (t: number) => number> = {
  relu: (t) => Math.max(0, t),
  leaky_relu: (t) => (t > 0 ? t : 0.01 * t),
  elu: (t) => (t > 0 ? t : Math.exp(t) - 1),
  gelu: (t) => t * phi(t),
  gelu_tanh: (t) => 0.5 * t * (1 + tanh(Math.sqrt(2 / Math.PI) * (t + 0.044715 * t ** 3))),
  silu: (t) => t * sigmoid(t),
  selu: (t) => 1.0507009873554805 * (t > 0 ? t : 1.6732632423543772 * (Math.exp(t) - 1)),
  mish: (t) => t * tanh(Math.log1p(Math.exp(t))),
  softplus: (t) => Math.log1p(Math.exp(t)),
};

function swapTo(
  model: Model,
  name: WrittenActivation,
  { sites = findSites(model.graph).sites, alpha = null }: { sites?: Site[]; alpha?: number | null } = {},
) {
  return swapActivations(model, findActivations(model.graph).matches, sites, { name, alpha, label: name });
}

/** Largest relative difference (above 1) of float32 arithmetic in a few steps. */
const TOLERANCE = 2e-6;
const TOLERANCE_F16 = 4e-3;

const width = 64;
const inputs = Float32Array.from({ length: width }, (_, i) => -8 + i * 0.26);
const eye = (type: string): [string, number[], number[]] => [
  type,
  [width, width],
  Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0)),
];

/** x → identity → Relu → identity: the output is f(x). */
function identityMlp(
  opset: number,
  type = 'float32',
  nodes?: ModelSpec['nodes'],
  more: Partial<ModelSpec> = {},
) {
  return buildGraphModel({
    opset,
    inputs: { x: [type, ['n', width]] },
    initializers: { w: eye(type), v: eye(type), zero: [type, [width], 0], ...more.initializers },
    nodes: nodes ?? [
      ['MatMul', ['x', 'w'], ['h']],
      ['Relu', ['h'], ['a']],
      ['MatMul', ['a', 'v'], ['y']],
    ],
    outputs: { y: [type, ['n', width]] },
    ...(more.opsets && { opsets: more.opsets }),
  });
}

async function run(
  model: Model,
  type: 'float32' | 'float16' = 'float32',
  values = inputs,
): Promise<number[]> {
  const bytes = encodeModel(toOnnx(model));
  const session = await openSession({ model: bytes, folder: '/', device: 'cpu', threads: 1 });
  try {
    const data = type === 'float16' ? Uint16Array.from(values, f32ToF16) : values;
    const { y } = await session.run({ feeds: { x: { type, dims: [1, width], data } }, fetch: ['y'] });
    return Array.from(y!.data as Float32Array, (v) => (type === 'float16' ? f16ToF32(v) : v));
  } finally {
    await session.dispose();
  }
}

function expectNear(
  found: number[],
  f: (t: number) => number,
  tolerance: number,
  values: ArrayLike<number> = inputs,
) {
  for (let i = 0; i < found.length; i++) {
    const expected = f(values[i]!);
    expect(Math.abs(found[i]! - expected) / Math.max(1, Math.abs(expected)), `at ${values[i]}`).toBeLessThan(
      tolerance,
    );
  }
}

describe.each([13, 17, 18, 20])('in opset %i', (opset) => {
  it.each(WRITTEN_ACTIVATIONS)('%s computes its formula, and is found under its name', async (name) => {
    const model = identityMlp(opset);
    const { sites } = findSites(model.graph);
    expect(swapTo(model, name, { sites })).toEqual({ modified: true, sites: ['0.mlp_pre'] });
    expectNear(await run(model), reference[name], TOLERANCE);
    const expected: Record<string, string> = { leaky_relu: 'leaky_relu(0.01)', elu: 'elu(1)' };
    const again = findSites(model.graph).sites.find(({ site }) => site === 'mlp_post')!;
    expect(again.activation).toBe(expected[name] ?? name);
    expect(again.value).toBe(sites.find(({ site }) => site === 'mlp_post')!.value);
    expect(again.value.name).toBe('a');
    // Nothing of the old function is left.
    expect([...model.graph.nodes].some(({ opType }) => opType === 'Relu')).toBe(name === 'relu');
  });
});

describe('swapActivations', () => {
  it('writes half precision constants into half precision models', async () => {
    const values = inputs.map((v) => f16ToF32(f32ToF16(v)));
    for (const name of ['gelu', 'gelu_tanh', 'mish'] as const) {
      const model = identityMlp(17, 'float16');
      swapTo(model, name);
      expectNear(await run(model, 'float16'), reference[name], TOLERANCE_F16, values);
    }
  });

  it('takes alpha for Leaky ReLU and ELU', async () => {
    const leaky = identityMlp(17);
    swapTo(leaky, 'leaky_relu', { alpha: 0.25 });
    expectNear(await run(leaky), (t) => (t > 0 ? t : 0.25 * t), TOLERANCE);
    const elu = identityMlp(17);
    swapTo(elu, 'elu', { alpha: 2 });
    expectNear(await run(elu), (t) => (t > 0 ? t : 2 * (Math.exp(t) - 1)), TOLERANCE);
  });

  it('takes a fused bias apart', async () => {
    const nodes: ModelSpec['nodes'] = [
      ['MatMul', ['x', 'w'], ['h']],
      ['FastGelu', ['h', 'b'], ['a'], {}, { domain: 'com.microsoft' }],
      ['MatMul', ['a', 'v'], ['y']],
    ];
    const more = {
      initializers: { b: ['float32', [width], 0.5] as [string, number[], number] },
      opsets: { 'com.microsoft': 1 },
    };
    const model = identityMlp(17, 'float32', nodes, more);
    swapTo(model, 'silu');
    expectNear(await run(model), (t) => reference.silu(t + 0.5), TOLERANCE);
  });

  it('swaps the gate of a gated MLP and leaves the other factor', async () => {
    const nodes: ModelSpec['nodes'] = [
      ['MatMul', ['x', 'w'], ['g']],
      ['MatMul', ['x', 'u'], ['up']],
      ['Sigmoid', ['g'], ['s']],
      ['Mul', ['g', 's'], ['a']],
      ['Mul', ['a', 'up'], ['p']],
      ['MatMul', ['p', 'v'], ['y']],
    ];
    const model = identityMlp(17, 'float32', nodes, { initializers: { u: eye('float32') } });
    swapTo(model, 'relu');
    expectNear(await run(model), (t) => Math.max(0, t) * t, TOLERANCE);
  });

  it('leaves a graph as it is without sites, and twice gives what once gives', async () => {
    const model = identityMlp(17);
    const before = encodeModel(toOnnx(model));
    expect(swapTo(model, 'gelu', { sites: [] })).toEqual({ modified: false, sites: [] });
    expect(encodeModel(toOnnx(model))).toEqual(before);
    swapTo(model, 'gelu');
    const once = await run(model);
    swapTo(model, 'gelu');
    expect(await run(model)).toEqual(once);
  });

  it('refuses a function that the opset cannot express', () => {
    const model = identityMlp(8);
    expect(() => swapTo(model, 'gelu')).toThrow(/opset 8; it needs 9/);
  });
});

/** Rewriting a function to itself in another spelling: float32 rounding over all layers of the model. */
const SELF_TOLERANCE = 1e-4;

describe('a swap of a function for itself', () => {
  it.each([
    ['bert-dynamo20', 'gelu'],
    ['bert-ts17', 'gelu'],
    ['bert-fused', 'gelu'],
    ['bert-ts13', 'gelu'],
    ['gpt2-ts17', 'gelu_tanh'],
    ['gpt2-fused', 'gelu_tanh'],
    ['llama-ts17', 'silu'],
    ['opt-optimum', 'relu'],
  ] as const)('%s: the outputs stay', async (name, activation) => {
    const { copy: load } = await openAuditedFile({ model: `models/zoo/files/${name}.onnx` });
    const swapped = load();
    expect(swapTo(swapped.model, activation, { sites: swapped.sites }).sites).toHaveLength(2);
    const found = await Promise.all([load(), swapped].map((one) => outputs(one)));
    let [difference, magnitude] = [0, 0];
    for (const [i, value] of found[0]!.entries()) {
      difference = Math.max(difference, Math.abs(value - found[1]![i]!));
      magnitude = Math.max(magnitude, Math.abs(value));
    }
    expect(magnitude).toBeGreaterThan(0);
    expect(difference / magnitude).toBeLessThan(SELF_TOLERANCE);
  });
});

async function outputs({ model, folder }: { model: Model; folder: string }): Promise<number[]> {
  const name = model.graph.outputs[0]!.name;
  const feeds = Object.fromEntries(
    model.graph.inputs.map((input) => {
      const dims = (input.type?.shape ?? []).map((dim, i) =>
        typeof dim === 'number' ? dim : i === 0 ? 2 : /past/.test(input.name) && i === 2 ? 0 : 6,
      );
      const count = dims.reduce((product, dim) => product * dim, 1);
      const value = (i: number) =>
        /ids/.test(input.name) && !/type/.test(input.name) ? (i * 7) % 40 : /mask/.test(input.name) ? 1 : 0;
      const position = /position/.test(input.name);
      if (input.type?.elemType === 1)
        return [input.name, { type: 'float32' as const, dims, data: new Float32Array(count) }];
      return [
        input.name,
        {
          type: 'int64' as const,
          dims,
          data: BigInt64Array.from({ length: count }, (_, i) => BigInt(position ? i % 6 : value(i))),
        },
      ];
    }),
  );
  const session = await openSession({
    model: encodeOverlay(model, folder),
    folder,
    device: 'cpu',
    threads: 1,
  });
  try {
    const result = await session.run({ feeds, fetch: [name] });
    return Array.from(result[name]!.data as Float32Array);
  } finally {
    await session.dispose();
  }
}
