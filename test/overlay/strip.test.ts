import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openAuditData } from '../../src/app/audit-data.js';
import { openForAudit, type SelectedModel } from '../../src/app/load.js';
import type { NdArray } from '../../src/onnx/array.js';
import { encodeOverlay } from '../../src/overlay/overlay.js';
import { neuronWeights, readCodes, type NeuronWeights } from '../../src/overlay/neuron-weights.js';
import { applyPatched, asPatched, type PatchedWeights } from '../../src/overlay/patched-weights.js';
import { pruneUnused } from '../../src/overlay/prune-unused.js';
import { type StripChange, stripRound, type Unstripped } from '../../src/overlay/strip.js';
import { openSession } from '../../src/runtime/session.js';
import type { Site } from '../../src/sites/types.js';
import { weightsToStrip } from '../../src/stats/strip.js';
import { buildFile, type ModelSpec, tensor } from '../build.js';

type Load = () => SelectedModel;
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
  model.graph.outputs.splice(0, model.graph.outputs.length, ...values);
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

async function someFeeds(path: string, selected: SelectedModel): Promise<Record<string, NdArray>> {
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

const behind = ({ weights }: Site): NeuronWeights[] => {
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
  const { load } = await openForAudit({ model: path });
  const selected = load();
  const site = selected.sites.find((one) => one.site === 'mlp_post')!;
  const patched: PatchedWeights = new Map();
  const { changes, unstripped } = stripRound(selected.model, [{ site, dead }], patched, options);
  return { load, site, patched, changes, unstripped };
}

const files = [
  ...readdirSync('models/zoo/files').map((name) => `models/zoo/files/${name}`),
  ...readdirSync('models/variants', { recursive: true }).map((name) => `models/variants/${String(name)}`),
  ...['gpt2', 'gpt2-relu', 'bert', 'gcn', 'mlp'].map((name) => `models/${name}/model.onnx`),
].filter((path) => path.endsWith('.onnx') && !/dropout/.test(path));

describe('stripping neurons of the first MLP', () => {
  test.each(files)('%s: changes them, and no other neuron by a single bit', async (path) => {
    const dead = [1, 2, 7];
    const { load, site, patched, changes, unstripped } = await stripFirst(path, dead);
    expect(unstripped).toEqual([]);
    expect([...new Set(changes.map(({ neuron }) => neuron))]).toEqual(dead);
    for (const neuron of dead) {
      const layers = behind(site);
      const before = layers.flatMap((layer) => decoded(layer, new Map(), neuron));
      const after = layers.flatMap((layer) => decoded(layer, patched, neuron));
      const chosen = weightsToStrip(before, plain.fraction);
      expect(chosen.length).toBeGreaterThan(0);
      expect(after).toEqual(before.map((weight, i) => (chosen.includes(i) ? 0 : weight)));
    }
    const selected = load();
    const pre = selected.sites.find((one) => one.site === 'mlp_pre' && one.layer === site.layer)!;
    const feeds = await someFeeds(path, selected);
    const [before] = await rawValues(load, new Map(), [pre.value.name], feeds);
    const [after] = await rawValues(load, patched, [pre.value.name], feeds);
    expect(neuronsThatDiffer(before!, after!, pre.axis)).toEqual(dead);
  });
});
