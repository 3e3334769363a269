import { describe, expect, test } from 'vitest';
import { openAuditData } from '../../../src/measure/audit-data.js';
import { type AuditedModel, openAuditedFile } from '../../../src/measure/audited-model.js';
import type { NdArray } from '../../../src/onnx/array.js';
import { encodeOverlay } from '../../../src/probe/overlay.js';
import { pruneUnused } from '../../../src/probe/prune-unused.js';
import { type NeuronWeights, neuronWeights } from '../../../src/repair/neuron-weights.js';
import { applyPatched, type PatchedWeights } from '../../../src/repair/patched-weights.js';
import { readCodes } from '../../../src/repair/read-codes.js';
import { weightsToStrip } from '../../../src/repair/strip/choose-weights.js';
import { type StripChange, stripRound, type Unstripped } from '../../../src/repair/strip/round.js';
import { asPatched } from '../../../src/repair/strip/set-to-zero.js';
import { openSession } from '../../../src/runtime/session.js';
import type { Site } from '../../../src/sites/types.js';
import { buildFile, type ModelSpec, tensor } from '../../build.js';

type Load = () => AuditedModel;
const session = { device: 'cpu', threads: 1 } as const;
const plain = { fraction: 0.25, means: null, allowShared: false };

/** The bytes of every output value, as they are when the value itself is fetched. */
async function rawValues(
  load: Load,
  patched: PatchedWeights,
  names: string[],
  feeds: Record<string, NdArray>,
): Promise<NdArray[]> {
  const { model, folder, name } = load();
  applyPatched(model, patched);
  const all = [...model.graph.nodes].flatMap(({ outputs }) => outputs);
  const values = names.map((wanted) => all.find((value) => value?.name === wanted)!);
  model.graph.setOutputs(values);
  pruneUnused(model.graph);
  const used = new Set(model.graph.inputs.map((input) => input.name));
  const own = Object.fromEntries(Object.entries(feeds).filter(([input]) => used.has(input)));
  const opened = await openSession({ ...session, model: encodeOverlay(model, folder), folder, name });
  try {
    const results = await opened.run({ feeds: own, fetch: names });
    return names.map((each) => results[each]!);
  } finally {
    await opened.dispose();
  }
}

async function someFeeds(path: string, selected: AuditedModel): Promise<Record<string, NdArray>> {
  const options = { model: path, data: 'random', tokens: 32, seqLen: 16 };
  const data = await openAuditData(options, selected, new AbortController().signal);
  for await (const batch of data.batches()) return batch.feeds;
  throw new Error('no batch');
}

/** Columns (or channels) that differ between two arrays [..., neurons], bit for bit. */
function neuronsThatDiffer(a: NdArray, b: NdArray, axis: number): number[] {
  expect(b.dims).toEqual(a.dims);
  const at = axis < 0 ? a.dims.length + axis : axis;
  const neurons = a.dims[at]!;
  const inner = a.dims.slice(at + 1).reduce((product, n) => product * n, 1);
  const width = (a.data as Float32Array).BYTES_PER_ELEMENT;
  const [x, y] = [a, b].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const differing = new Set<number>();
  for (let i = 0; i < x!.length; i++) {
    if (x![i] !== y![i]) differing.add(Math.floor(Math.floor(i / width) / inner) % neurons);
  }
  return [...differing].sort((one, other) => one - other);
}

const decoded = (layer: NeuronWeights, patched: PatchedWeights, neuron: number): number[] =>
  Array.from(readCodes(asPatched(layer, patched), [neuron])[0]!, (code, i) => layer.decode(code, neuron, i));

const incoming = ({ weights }: Site): NeuronWeights[] => {
  const gates = weights.filter(({ role }) => role === 'gate');
  const refs = gates.length > 0 ? gates : weights.filter(({ role }) => role === 'in');
  return refs.map((ref) => {
    const seen = neuronWeights(ref);
    if ('reason' in seen) throw new Error(seen.reason);
    return seen;
  });
};

interface Stripped {
  load: Load;
  site: Site;
  patched: PatchedWeights;
  changes: StripChange[];
  unstripped: Unstripped[];
}

async function stripFirst(path: string, dead: number[], options = plain): Promise<Stripped> {
  const { copy: load } = await openAuditedFile({ model: path });
  const selected = load();
  const site = selected.sites.find((one) => one.site === 'mlp_post')!;
  const patched: PatchedWeights = new Map();
  const { changes, unstripped } = stripRound(selected.model, [{ site, dead }], patched, options);
  return { load, site, patched, changes, unstripped };
}

/** One of each way to store a weight; the rest of the zoo differs in names only. */
const zoo = [
  ...['ts17', 'dynamo20', 'fp16', 'int8', 'qdq', 'nbits', 'ts17ext', 'ts17functions', 'fused', 'optimum'].map(
    (name) => `gpt2-${name}`,
  ),
  ...[
    'bert-fused',
    'bert-nbits',
    'llama-ts17',
    'llama-optimum-merged',
    'bert-qdq',
    'phi3-ts17',
    'cnn-ts17',
    'cnn-qdq',
    'resnet-ts17',
  ],
  ...['gcn-ts17', 'gcn-mm-ts17', 'gcn-int8', 'sage-ts17', 'moe-looped-ts17', 'mlp-gemm-int8', 'mlp-gemm-qdq'],
].map((name) => `models/zoo/files/${name}.onnx`);
const shipped = ['gpt2-relu', 'bert', 'gcn', 'mlp'].map((name) => `models/${name}/model.onnx`);
const files = [...zoo, ...shipped];

/** Strips neurons as if they were dead: exactly their chosen weights become 0, and no other neuron changes by a bit. */
async function expectStripped(path: string, dead: number[], options = plain): Promise<void> {
  const { load, site, patched, changes, unstripped } = await stripFirst(path, dead, options);
  expect(unstripped).toEqual([]);
  expect([...new Set(changes.map(({ neuron }) => neuron))]).toEqual(dead);
  for (const neuron of dead) {
    const layers = incoming(site);
    const before = layers.flatMap((layer) => decoded(layer, new Map(), neuron));
    const after = layers.flatMap((layer) => decoded(layer, patched, neuron));
    const chosen = weightsToStrip(before, options.fraction);
    expect(chosen.length).toBeGreaterThan(0);
    // Adding 0 makes −0, a code that means zero times a negative scale, the 0 that it is.
    expect(after.map((x) => x + 0)).toEqual(before.map((x, i) => (chosen.includes(i) ? 0 : x + 0)));
  }
  const selected = load();
  const pre = selected.sites.find((one) => one.site === 'mlp_pre' && one.layer === site.layer)!;
  const feeds = await someFeeds(path, selected);
  const [before] = await rawValues(load, new Map(), [pre.value.name], feeds);
  const [after] = await rawValues(load, patched, [pre.value.name], feeds);
  expect(neuronsThatDiffer(before!, after!, pre.axis)).toEqual(dead);
}

describe('stripping neurons of the first MLP', () => {
  test.each(files)(
    '%s: sets their weights to zero and changes no other neuron by a single bit',
    async (path) => {
      await expectStripped(path, [1, 2, 7]);
    },
  );
});

/** x [rows, 6] · w [6, 8] → Relu → · v [8, 3]; `weight` gives w. */
function mlp(weight: Pick<ModelSpec, 'nodes' | 'initializers'> & { opset?: number }): ModelSpec {
  return {
    opset: weight.opset ?? 17,
    irVersion: weight.opset === 21 ? 10 : 8,
    inputs: { x: ['float32', ['rows', 6]] },
    initializers: { ...weight.initializers, v: ['float32', [8, 3], wave(24)] },
    nodes: [
      ...weight.nodes,
      ['MatMul', ['x', 'w'], ['h']],
      ['Relu', ['h'], ['a']],
      ['MatMul', ['a', 'v'], ['logits']],
    ],
    outputs: { logits: ['float32', ['rows', 3]] },
  };
}

const wave = (count: number, size = 1): number[] =>
  Array.from({ length: count }, (_, i) => size * Math.sin(7 * i + 1));
const codes = (count: number): number[] => wave(count, 7).map(Math.round);

describe('weights stored in other ways', () => {
  test.each<[string, ModelSpec]>([
    [
      'bfloat16',
      mlp({
        initializers: { b: ['bfloat16', [6, 8], wave(48)] },
        nodes: [['Cast', ['b'], ['w'], { to: 1 }]],
      }),
    ],
    [
      'a Constant node',
      mlp({ nodes: [['Constant', [], ['w'], { value: tensor('float32', [6, 8], wave(48)) }]] }),
    ],
    [
      'transposed',
      mlp({
        initializers: { t: ['float32', [8, 6], wave(48)] },
        nodes: [['Transpose', ['t'], ['w'], { perm: [1, 0] }]],
      }),
    ],
    [
      'uint8 with a zero point and a scale for every output',
      mlp({
        initializers: {
          q: ['uint8', [6, 8], codes(48).map((code) => code + 100)],
          s: ['float32', [8], [1, 2, 3, 4, 5, 6, 7, 8]],
          z: ['uint8', [8], [100, 99, 101, 100, 98, 100, 100, 102]],
        },
        nodes: [['DequantizeLinear', ['q', 's', 'z'], ['w'], { axis: 1 }]],
      }),
    ],
    [
      'int4 in blocks of 3 inputs',
      mlp({
        opset: 21,
        initializers: {
          q: { ...tensor('int8', [24], packNibbles(codes(48))), dataType: 22, dims: [6n, 8n] },
          s: ['float32', [2, 8], wave(16).map((x) => Math.abs(x) + 0.1)],
        },
        nodes: [['DequantizeLinear', ['q', 's'], ['w'], { axis: 0, block_size: 3 }]],
      }),
    ],
    [
      'a convolution in 2 groups',
      {
        inputs: { x: ['float32', ['rows', 4, 5, 5]] },
        initializers: {
          w: ['float32', [8, 2, 3, 3], wave(144)],
          v: ['float32', [3, 8, 1, 1], wave(24)],
        },
        nodes: [
          ['Conv', ['x', 'w'], ['h'], { group: 2 }],
          ['Relu', ['h'], ['a']],
          ['Conv', ['a', 'v'], ['y']],
        ],
        outputs: { y: ['float32', ['rows', 3, 3, 3]] },
      },
    ],
  ])('%s', async (_name, spec) => {
    await expectStripped(buildFile(spec), [1, 2, 7]);
  });
});

function packNibbles(values: number[]): number[] {
  const bytes = Array.from(
    { length: values.length / 2 },
    (_, i) => (values[2 * i]! & 15) | ((values[2 * i + 1]! & 15) << 4),
  );
  return bytes.map((byte) => (byte << 24) >> 24);
}

describe('what is not stripped', () => {
  const shared = mlp({ initializers: { w: ['float32', [6, 8], wave(48)] }, nodes: [] });
  shared.nodes.push(['Transpose', ['w'], ['u'], { perm: [1, 0] }], ['Identity', ['u'], ['tied']]);
  shared.outputs = { logits: ['float32', ['rows', 3]], other: ['float32', ['rows', 8]] };
  shared.nodes.push(['Gather', ['w', 'rows'], ['other']]);
  shared.initializers!.rows = ['int64', [2], [0, 1]];

  test('shared weights, with what shares them, unless it is allowed', async () => {
    const path = buildFile(shared);
    const { changes, unstripped } = await stripFirst(path, [1]);
    expect(changes).toEqual([]);
    expect(unstripped).toEqual([
      {
        site: '0.mlp_post',
        neurons: [1],
        reason: expect.stringMatching(/^`w` is shared: Gather_5 reads it too/),
      },
    ]);
    expect((await stripFirst(path, [1], { ...plain, allowShared: true })).changes).toHaveLength(1);
  });

  test('neurons of shared weights that are alive at another site', async () => {
    const path = buildFile({
      inputs: { x: ['float32', ['rows', 8]] },
      initializers: { w: ['float32', [8, 8], wave(64)], v: ['float32', [8, 8], wave(64)] },
      nodes: [
        ['MatMul', ['x', 'w'], ['h']],
        ['Relu', ['h'], ['a']],
        ['MatMul', ['a', 'v'], ['b']],
        ['MatMul', ['b', 'w'], ['c']],
        ['Relu', ['c'], ['d']],
        ['MatMul', ['d', 'v'], ['y']],
      ],
      outputs: { y: ['float32', ['rows', 8]] },
    });
    const { copy: load } = await openAuditedFile({ model: path });
    const { model, sites } = load();
    const [first, second] = ['0.mlp_post', '1.mlp_post'].map((id) => sites.find((site) => site.id === id)!);
    const targets = [
      { site: first!, dead: [1, 2] },
      { site: second!, dead: [2, 3] },
    ];
    const { changes, unstripped } = stripRound(model, targets, new Map(), { ...plain, allowShared: true });
    expect(changes.map(({ site, neuron }) => [site, neuron])).toEqual([['0.mlp_post', 2]]);
    const reason = 'its weights are shared with a neuron that is alive';
    expect(unstripped).toEqual([
      { site: '0.mlp_post', neurons: [1], reason },
      { site: '1.mlp_post', neurons: [3], reason },
    ]);
  });

  test('numbers that stand one by one in the file, and neurons without a negative weight', async () => {
    const half = tensor('float16', [6, 8], wave(48), 'b');
    const bits = new Uint16Array(half.rawData!.slice().buffer);
    const { rawData: _, ...typed } = half;
    const spec = mlp({
      initializers: { b: { ...typed, int32Data: Array.from(bits) } },
      nodes: [['Cast', ['b'], ['w'], { to: 1 }]],
    });
    const { unstripped } = await stripFirst(buildFile(spec), [0]);
    expect(unstripped[0]!.reason).toMatch(/one by one/);
    const positive = mlp({ initializers: { w: ['float32', [6, 8], 1] }, nodes: [] });
    expect((await stripFirst(buildFile(positive), [0, 5])).unstripped).toEqual([
      { site: '0.mlp_post', neurons: [0, 5], reason: 'none of its incoming weights is negative' },
    ]);
  });

  test('anything, when it is done a second time with nothing left', async () => {
    const path = buildFile(mlp({ initializers: { w: ['float32', [6, 8], wave(48)] }, nodes: [] }));
    const { copy: load } = await openAuditedFile({ model: path });
    const { model, sites } = load();
    const target = { site: sites.find(({ site }) => site === 'mlp_post')!, dead: [3] };
    const patched: PatchedWeights = new Map();
    const all = { ...plain, fraction: 1 };
    expect(stripRound(model, [target], patched, all).modified).toBe(true);
    expect(stripRound(model, [target], patched, all).modified).toBe(false);
  });
});
