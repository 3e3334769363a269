import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryName } from '../../../src/files/temporary.js';
import { constantTensor } from '../../../src/graph/constants.js';
import { openAuditedFile } from '../../../src/measure/audited-model.js';
import type { NdArray } from '../../../src/onnx/array.js';
import { ROUNDING } from '../../../src/repair/prune/compare-outputs.js';
import type { PruneOptions } from '../../../src/repair/prune/options.js';
import { prune } from '../../../src/repair/prune/prune.js';
import { pruneReportSchema } from '../../../src/repair/prune/schema.js';
import { renderPrune } from '../../../src/repair/prune/table.js';
import { openSession } from '../../../src/runtime/session.js';
import { buildFile, type ModelSpec } from '../../build.js';
import { npy, npz } from '../../data/support.js';
import { withConstantNeurons } from './constant-neurons.js';

const folders: string[] = [];
afterAll(() => folders.map((folder) => rmSync(folder, { recursive: true, force: true })));

const few = { data: 'random', tokens: 64, seqLen: 16, threads: 1, device: 'cpu', yes: true } as const;

/** Of two layers, three neurons each. A padded convolution is not constant at its border, where a constant is not zero. */
const provenIn = (name: string): number => (name === 'cnn-ts17' ? 13 : 6);

/** A model of the zoo in which neurons 1, 2 and 5 of every MLP are constant. */
async function constantOnes(name: string, folder = 'models/zoo/files'): Promise<string> {
  const model = await withConstantNeurons(`${folder}/${name}.onnx`, [1, 2, 5]);
  folders.push(dirname(model));
  return model;
}

function built(spec: ModelSpec): string {
  const path = buildFile(spec);
  folders.push(dirname(path));
  return path;
}

const beside = (model: string, name = 'smaller.onnx') => join(dirname(model), name);
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Runs a file itself, by its own bytes, as any user of ONNX Runtime would. */
async function run(path: string, feeds: Record<string, NdArray>, output: string): Promise<number[]> {
  const session = await openSession({
    model: readFileSync(path),
    folder: dirname(path),
    device: 'cpu',
    threads: 1,
  });
  try {
    const result = await session.run({ feeds, fetch: [output] });
    return Array.from(result[output]!.data as Float32Array);
  } finally {
    await session.dispose();
  }
}

describe('prune on exports of every kind: the outputs stay, three neurons of each MLP are gone', () => {
  it.each([
    ['gpt2-ts17', 'float32', 'Gemm between Reshapes whose shapes are computed, Constant nodes'],
    ['gpt2-dynamo20', 'float32', 'shapes as constants that layers share'],
    ['gpt2-fused', 'float32', 'FastGelu with a bias'],
    ['gpt2-fp16', 'float16', 'half precision'],
    ['gpt2-ts17ext', 'float32', 'external data'],
    ['gpt2-qdq', 'quantized', 'QuantizeLinear and DequantizeLinear around everything'],
    ['bert-ts17', 'float32', 'MatMul and Add'],
    ['bert-fused', 'float32', 'BiasGelu'],
    ['llama-ts17', 'float32', 'a gate'],
    ['llama-int8', 'quantized', 'MatMulInteger; zero neurons'],
    ['phi3-dynamo18', 'float32', 'gate and up in one weight, Split'],
    ['phi3-ts17', 'float32', 'gate and up in one weight, Slices'],
    ['mlp-gemm-ts17', 'float32', 'Gemm with transB; a weight that loses rows and columns'],
    ['cnn-ts17', 'float32', 'convolutions, one with a kernel per channel, Flatten'],
    ['gcn-dynamo18', 'float32', 'graph convolutions by Scatter'],
    ['gcn-mm-ts17', 'float32', 'graph convolutions by a product with the adjacency'],
  ] as const)('%s (%s): %s', { timeout: 120_000 }, async (name, rounding, _what) => {
    const model = await constantOnes(name);
    const report = await prune({ ...few, model, output: beside(model) });
    expect(pruneReportSchema.parse(report)).toEqual(report);
    expect(report.summary.outcome).toBe('pruned');
    // Three neurons have no weights: that is proven, but through integer sums.
    expect(report.summary.proven).toBe(rounding === 'quantized' && /int8/.test(name) ? 0 : provenIn(name));
    expect(report.outputs!.relative).toBeLessThanOrEqual(ROUNDING[rounding]);
    expect(report.outputs!.positions).toBeGreaterThan(0);
    expect(report.summary.parameters.after).toBeLessThan(report.summary.parameters.before);
    const { copy: load } = await openAuditedFile({ model: beside(model) });
    for (const site of report.sites) {
      const now = load().sites.find(({ id }) => id === site.id)!;
      expect(now.neurons, site.id).toBe(site.neurons.after);
      expect(site.removed.length).toBe(site.neurons.before - site.neurons.after);
    }
    expect(readdirSync(dirname(model)).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  it('keeps what was external external', { timeout: 120_000 }, async () => {
    const model = await constantOnes('model', 'models/variants/gpt2-ext');
    const report = await prune({ ...few, model, output: beside(model) });
    expect(report.summary.outcome).toBe('pruned');
    const { opened } = await openAuditedFile({ model: beside(model) });
    expect(opened.files.map(({ name }) => name)).toEqual(['smaller.onnx', 'smaller.onnx.data']);
    const [before, after] = [statSync(`${model}.data`).size, statSync(`${beside(model)}.data`).size];
    expect(after).toBeLessThan(before);
    expect(after).toBeGreaterThan(before / 2);
  });

  it('leaves every other weight byte for byte', async () => {
    const model = await constantOnes('bert-ts17');
    await prune({ ...few, model, output: beside(model) });
    const [before, after] = await Promise.all([model, beside(model)].map(weights));
    const same = [...after!].filter(([name, sum]) => before!.get(name) === sum);
    const touched = [...before!.keys()].filter(
      (name) => after!.has(name) && before!.get(name) !== after!.get(name),
    );
    // Two MLPs: first weight and bias, second weight and bias.
    expect(touched).toHaveLength(8);
    expect(same.length).toBeGreaterThan(20);
  });
});

async function weights(model: string): Promise<Map<string, string>> {
  const { copy: load } = await openAuditedFile({ model });
  const { tensorBytes } = await import('../../../src/onnx/tensors.js');
  return new Map(
    load()
      .model.graph.initializers.filter((value) => constantTensor(value)!.dataType === 1)
      .map((value) => [value.name, createHash('sha256').update(tensorBytes(value.tensor!)).digest('hex')]),
  );
}

/** x [n, 4] → Gemm → f → Gemm → y: of 6 neurons the first is zero, the second constant on any input. */
function twoLayers(more: Partial<ModelSpec> = {}, second: ModelSpec['nodes'] = []): ModelSpec {
  const first = Array.from({ length: 24 }, (_, i) => (i % 6 < 2 ? 0 : ((i * 7) % 11) - 5));
  return {
    inputs: { x: ['float32', ['n', 4]] },
    initializers: {
      w: ['float32', [4, 6], first],
      b: ['float32', [6], [-1, 2, 0.5, 0.1, -0.3, 0]],
      v: ['float32', [6, 3], Array.from({ length: 18 }, (_, i) => i / 3 - 2)],
      c: ['float32', [3], [1, 2, 3]],
      ...more.initializers,
    },
    nodes: [
      ['Gemm', ['x', 'w', 'b'], ['h']],
      ['Relu', ['h'], ['a']],
      ...(second.length > 0 ? second : ([['Gemm', ['a', 'v', 'c'], ['y']]] as ModelSpec['nodes'])),
    ],
    outputs: more.outputs ?? { y: ['float32', ['n', 3]] },
  };
}

const options = (model: string, more: Partial<PruneOptions> = {}): PruneOptions => ({
  ...few,
  model,
  output: beside(model),
  ...more,
});

const x: NdArray = {
  type: 'float32',
  dims: [3, 4],
  data: Float32Array.from({ length: 12 }, (_, i) => (i % 5) - 2),
};

/** Sums of a handful of float32 numbers in another order. */
const SUM_TOLERANCE = 1e-5;

describe('prune', () => {
  it('drops zero neurons, folds constant ones into the next bias, and the file itself computes the same', async () => {
    const model = built(twoLayers());
    const report = await prune(options(model));
    expect(report.sites[0]).toMatchObject({
      neurons: { before: 6, after: 4 },
      zero: 1,
      folded: 1,
      removed: [0, 1],
    });
    const [before, after] = [await run(model, { x }, 'y'), await run(beside(model), { x }, 'y')];
    for (const [i, value] of before.entries())
      expect(Math.abs(value - after[i]!)).toBeLessThan(SUM_TOLERANCE);
    const { copy: load } = await openAuditedFile({ model: beside(model) });
    const bias = load().model.graph.initializers.find(({ name }) => name === 'c')!;
    const { readNumbers } = await import('../../../src/onnx/tensors.js');
    // c + 2 · v[1, :], the second neuron being relu(2).
    const expected = [1 + 2 * -1, 2 + 2 * (1 / 3 - 1), 3 + 2 * (2 / 3 - 1)];
    for (const [i, value] of readNumbers(bias.tensor!).entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  it('makes a bias where there is none, and keeps the names of outputs', async () => {
    const model = built(twoLayers({}, [['MatMul', ['a', 'v'], ['y']]]));
    const report = await prune(options(model));
    expect(report.summary.removed).toBe(2);
    const [before, after] = [await run(model, { x }, 'y'), await run(beside(model), { x }, 'y')];
    for (const [i, value] of before.entries())
      expect(Math.abs(value - after[i]!)).toBeLessThan(SUM_TOLERANCE);
  });

  it('keeps widths multiples of --align, folding as little as it can', async () => {
    const model = built(twoLayers());
    const { sites } = await prune(options(model, { align: 5 }));
    expect(sites[0]).toMatchObject({ neurons: { after: 5 }, removed: [0], zero: 1, folded: 0 });
    expect(sites[0]!.kept).toEqual([{ reason: 'the width stays a multiple of 5', neurons: [1] }]);
  });

  it('with --dead removes more, says what it cost, and folds the mean', async () => {
    const model = built(twoLayers());
    const report = await prune(options(model, { dead: 'mean-abs', deadBelow: 3 }));
    expect(report.options.exact).toBe(false);
    expect(report.summary.removed).toBeGreaterThan(2);
    expect(report.outputs).toMatchObject({ tolerance: null });
    expect(report.outputs!.largestDifference).toBeGreaterThan(0);
  });

  it('without dead neurons writes an identical copy and says so', async () => {
    const spec = twoLayers({
      initializers: { w: ['float32', [4, 6], Array.from({ length: 24 }, (_, i) => ((i * 7) % 11) - 5)] },
    });
    const model = built(spec);
    const report = await prune(options(model));
    expect(report.summary.outcome).toBe('nothing-dead');
    expect(sha256(beside(model))).toBe(sha256(model));
  });

  it('does not fold where the same vector is read by something else: it copies the vector', async () => {
    const nodes: ModelSpec['nodes'] = [
      ['Gemm', ['a', 'v', 'c'], ['z']],
      ['Add', ['z', 'c'], ['y']],
    ];
    const model = built(twoLayers({}, nodes));
    await prune(options(model));
    const [before, after] = [await run(model, { x }, 'y'), await run(beside(model), { x }, 'y')];
    for (const [i, value] of before.entries())
      expect(Math.abs(value - after[i]!)).toBeLessThan(SUM_TOLERANCE);
  });
});

/** Rows in which only the first number is not zero. */
function rows(path: string, numbers: number[]): string {
  const data = numbers.flatMap((number) => [number, 0, 0, 0]);
  writeFileSync(path, npz({ x: npy('<f4', [numbers.length, 4], Float32Array.from(data)) }));
  return path;
}

describe('neurons that are dead on the data only', () => {
  /** Neuron 2 fires where x₀ > 1, 3 where x₀ < −1, and 0 and 1 are constant for every input. */
  const model = built({
    inputs: { x: ['float32', ['n', 4]] },
    initializers: {
      w: ['float32', [4, 6], [0, 0, 1, -1, 1, -1, ...new Array(18).fill(0)]],
      b: ['float32', [6], [-1, 2, -1, -1, 0.5, 0.5]],
      v: ['float32', [6, 3], Array.from({ length: 18 }, (_, i) => i / 3 - 2)],
      c: ['float32', [3], [1, 2, 3]],
    },
    nodes: [
      ['Gemm', ['x', 'w', 'b'], ['h']],
      ['Relu', ['h'], ['a']],
      ['Gemm', ['a', 'v', 'c'], ['y']],
    ],
    outputs: { y: ['float32', ['n', 3]] },
  });
  const quiet = rows(beside(model, 'quiet.npz'), [0.2, -0.3, 0.9, -1]);
  const loud = rows(beside(model, 'loud.npz'), [0.1, 5, 0.4]);
  const on = (more: Partial<PruneOptions>) =>
    options(model, { data: quiet, yes: false, output: beside(model, `${Math.random()}.onnx`), ...more });

  it('are removed only with a second data set, a proof, or the word of the user', async () => {
    const output = beside(model, 'never.onnx');
    await expect(prune(on({ output }))).rejects.toThrow(
      'Of 4 neurons that could go 2 are proven to have one value for every input, and 2 are dead on this data only: ' +
        'remove the proven ones with `only=proven`, check the others on a second data set with `verify=DATA`, ' +
        'or remove them all with `yes`.',
    );
    expect(existsSync(output)).toBe(false);
  });

  it('go with the word of the user, and a warning says how rare a missed value is', async () => {
    const report = await prune(on({ yes: true }));
    expect(report.sites[0]).toMatchObject({ removed: [0, 1, 2, 3], proven: 2, zero: 3, folded: 1 });
    expect(report.warnings.map(({ code }) => code)).toContain('constant-on-data');
    expect(report.verification).toBeNull();
  });

  it('stay where only proven ones are wanted, and then the outputs are right on any data', async () => {
    const output = beside(model, 'proven.onnx');
    const report = await prune(on({ only: 'proven', output }));
    expect(report.sites[0]).toMatchObject({ removed: [0, 1], proven: 2 });
    expect(report.sites[0]!.kept).toEqual([
      { reason: 'not proven to have one value for every input', neurons: [2, 3] },
    ]);
    expect(report.warnings.map(({ code }) => code)).not.toContain('constant-on-data');
    const wild: NdArray = {
      type: 'float32',
      dims: [2, 4],
      data: Float32Array.from([1e30, 0, 0, 0, -7, 3, 0, 1]),
    };
    const [before, after] = [await run(model, { x: wild }, 'y'), await run(output, { x: wild }, 'y')];
    for (const [i, value] of before.entries()) {
      expect(Math.abs(value - after[i]!)).toBeLessThanOrEqual(SUM_TOLERANCE * Math.abs(value));
    }
  });

  it('stay where they have other values on the second data, where the outputs are compared, too', async () => {
    const report = await prune(on({ verify: loud }));
    expect(pruneReportSchema.parse(report)).toEqual(report);
    expect(report.sites[0]).toMatchObject({ removed: [0, 1, 3], proven: 2 });
    expect(report.sites[0]!.kept).toEqual([
      { reason: 'it has other values on the second data', neurons: [2] },
    ]);
    expect(report.verification).toMatchObject({
      data: { positions: 3 },
      outputs: { positions: 3, tolerance: ROUNDING.float32 },
    });
    expect(report.verification!.outputs!.relative).toBeLessThanOrEqual(ROUNDING.float32);
    expect(renderPrune(report).replace(/\s+/g, ' ')).toMatch(
      /proven 2 of 3 have one value for every input, 1 had one on both data sets \(the second is .*, 3 positions\)/,
    );
  });

  it('need a criterion to be met on both data sets', async () => {
    const criterion = { dead: 'frequency', deadBelow: 0.3 } as const;
    const first = await prune(on({ ...criterion, yes: true }));
    const both = await prune(on({ ...criterion, verify: loud }));
    expect(first.sites[0]!.removed).toEqual([0, 1, 2, 3]);
    expect(both.sites[0]!.removed).toEqual([0, 1, 3]);
  });

  it.each([
    [{ verify: quiet }, /Expected `verify` to be another data set than the first/],
    [{ only: 'all' as 'proven' }, /Expected `only` to be `proven`, got `all`/],
    [{ only: 'proven', dead: 'silent' }, /exclude each other/],
    [{ align: 0 }, /Expected `align` to be a whole number from 1 to 4,096, got `0`/],
    [{ align: 1e12 }, /got `1000000000000`/],
  ] as const)('%j is refused', async (more, message) => {
    await expect(prune(on(more))).rejects.toThrow(message);
  });
});

describe('a layer that cannot be pruned is listed with the reason', () => {
  const reasonOf = async (spec: ModelSpec) => {
    const model = built(spec);
    const { sites, summary } = await prune(options(model));
    expect(summary.outcome).toBe('nothing-to-remove');
    expect(sha256(beside(model))).toBe(sha256(model));
    return sites[0]!.refused;
  };

  it('shared weights', async () => {
    const nodes: ModelSpec['nodes'] = [
      ['Gemm', ['a', 'v', 'c'], ['z']],
      ['MatMul', ['a', 'v'], ['z2']],
      ['ReduceSum', ['v'], ['s']],
      ['Add', ['z', 'z2'], ['z3']],
      ['Add', ['z3', 's'], ['y']],
    ];
    expect(await reasonOf(twoLayers({}, nodes))).toMatch(/weight `v` is shared: (MatMul|ReduceSum|Gemm) `/);
  });

  it('neurons that are an output of the model', async () => {
    const outputs = { y: ['float32', ['n', 3]], a: ['float32', ['n', 6]] } as ModelSpec['outputs'];
    expect(await reasonOf(twoLayers({ outputs }))).toMatch(/a is an output of the model/);
  });

  it('a normalisation over the neurons', async () => {
    const initializers = { g: ['float32', [6], 1] } as NonNullable<ModelSpec['initializers']>;
    const nodes: ModelSpec['nodes'] = [
      ['Gemm', ['a', 'v', 'c'], ['y0']],
      ['LayerNormalization', ['a', 'g'], ['l']],
      ['ReduceMean', ['l'], ['m'], { axes: [1] }],
      ['Add', ['y0', 'm'], ['y']],
    ];
    expect(await reasonOf(twoLayers({ initializers }, nodes))).toMatch(
      /LayerNormalization `.*` mixes the neurons/,
    );
  });

  it('4-bit blocks', { timeout: 60_000 }, async () => {
    const model = await constantOnes('llama-nbits');
    const { sites } = await prune(options(model));
    expect(sites.map(({ refused }) => refused).join()).toMatch(
      /MatMulNBits .* packs its inputs in blocks of 16/,
    );
  });

  it('constant neurons before quantized inputs stay', { timeout: 60_000 }, async () => {
    const model = await constantOnes('bert-int8');
    const { sites } = await prune(options(model));
    expect(sites[0]!.kept).toEqual([
      { reason: 'constant but not zero, and its inputs are quantized', neurons: [1, 2, 5] },
    ]);
  });
});

describe('bad input', () => {
  it('refuses the input itself as output, by whatever name', async () => {
    const model = built(twoLayers());
    symlinkSync(model, beside(model, 'link.onnx'));
    for (const output of [model, beside(model, 'link.onnx')]) {
      await expect(prune(options(model, { output }))).rejects.toThrow(/is the input itself/);
    }
  });

  it('refuses a missing folder and an output that is a folder', async () => {
    const model = built(twoLayers());
    mkdirSync(beside(model, 'folder.onnx'));
    await expect(prune(options(model, { output: beside(model, 'no/x.onnx') }))).rejects.toThrow(/no folder/);
    await expect(prune(options(model, { output: beside(model, 'folder.onnx') }))).rejects.toThrow(
      /it is a folder/,
    );
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const model = built(twoLayers());
    const controller = new AbortController();
    const onStage = () => controller.abort();
    await expect(prune(options(model, { signal: controller.signal, onStage }))).rejects.toThrow(/nterrupted/);
    expect(existsSync(beside(model))).toBe(false);
    expect(readdirSync(dirname(model))).toEqual(['model.onnx']);
  });

  it('removes what a killed run left, and nothing of a running one', async () => {
    const model = built(twoLayers());
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const ownedBy = (pid: number): string =>
      temporaryName(beside(model))
        .replace(`-${process.pid}-`, `-${pid}-`)
        .replace(/\w{8}(-\d+\.tmp)$/, '0123abcd$1');
    const running = ownedBy(process.ppid);
    for (const path of [ownedBy(gone), running]) mkdirSync(path);
    await prune(options(model));
    const left = readdirSync(dirname(model)).filter((name) => name.endsWith('.tmp'));
    expect(left).toEqual([basename(running)]);
  });

  it('has no file under the final name while it is killed in the middle', { timeout: 60_000 }, async () => {
    const model = await constantOnes('gpt2-ts17');
    const output = beside(model);
    const args = [
      'dist/src/cli/main.js',
      'prune',
      model,
      '-o',
      output,
      '--data',
      'random',
      '--tokens',
      '64',
      '--yes',
    ];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    // Killed as soon as something of the output is there: then it is not complete.
    while (readdirSync(dirname(model)).length < 2 && child.exitCode === null) await setTimeout(1);
    child.kill('SIGKILL');
    await ended;
    expect(readdirSync(dirname(model)).filter((name) => name === 'smaller.onnx')).toEqual([]);
    await prune({ ...few, model, output });
    expect(readdirSync(dirname(model)).sort()).toEqual(['gpt2-ts17.onnx', 'smaller.onnx']);
  });

  it('refuses a merged decoder, which holds more graphs than are audited', async () => {
    const name = readdirSync('models/zoo/files').find((file) => /merged\.onnx$/.test(file))!;
    const model = `models/zoo/files/${name}`;
    await expect(prune(options(model, { output: '/tmp/never.onnx' }))).rejects.toThrow(
      /several graphs under an If/,
    );
  });
});
