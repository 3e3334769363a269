import { expect } from 'vitest';
import type { Batch } from '../src/data/types.js';
import { intAttribute } from '../src/graph/attributes.js';
import type { AuditedModel } from '../src/measure/audited-model.js';
import { openProbeRun } from '../src/measure/probe-run.js';
import type { NdArray } from '../src/onnx/array.js';
import { f16ToF32, f32ToF16 } from '../src/onnx/floats.js';
import { readNumbers } from '../src/onnx/tensors.js';
import { encodeOverlay } from '../src/probe/overlay.js';
import { addProbes } from '../src/probe/probe.js';
import { pruneUnused } from '../src/probe/prune-unused.js';
import { openSession } from '../src/runtime/session.js';
import { completeCriterion } from '../src/stats/criteria.js';
import type { Criterion } from '../src/stats/types.js';
import { binPlainly, reducePlainly } from './reduce.js';

const wide = ({ type, data }: NdArray): number[] =>
  Array.from(data as Float32Array, (value) => (type === 'float16' ? f16ToF32(Number(value)) : Number(value)));

/** Every site's tensor as it is in the very graph that the probes are in. */
async function rawTensors(selected: AuditedModel, batch: Batch, masked: boolean): Promise<number[][]> {
  const { model, sites, folder, name } = selected;
  const probes = addProbes(model, sites, { criterion: completeCriterion(), masked, countNonFinite: false });
  // Flattened, since a tensor that is itself an output is not fused, and so differs in the last bit.
  const flat = sites.map(({ value, axis }) => {
    const node = model.graph.addNode({
      opType: 'Flatten',
      inputs: [value],
      attributes: { axis: intAttribute(Math.max(0, axis)) },
    });
    model.graph.addOutput(node.output);
    return node.output.name;
  });
  pruneUnused(model.graph);
  const session = await openSession({
    model: encodeOverlay(model, folder),
    folder,
    name,
    device: 'cpu',
    threads: 1,
  });
  const needed = new Set(model.graph.inputs.map(({ name }) => name));
  const feeds = Object.fromEntries(Object.entries(batch.feeds).filter(([name]) => needed.has(name)));
  if (probes.mask)
    feeds[probes.mask] = { type: 'bool', dims: [batch.mask!.data.length], data: batch.mask!.data };
  for (const { scale, zeroPoint } of probes.sites) {
    feeds[scale] = { type: 'float32', dims: [], data: Float32Array.of(1) };
    feeds[zeroPoint] = { type: 'uint8', dims: [], data: Uint8Array.of(128) };
  }
  const results = await session.run({ feeds, fetch: flat });
  await session.dispose();
  return sites.map(({ plus, axis, neurons }, i) => {
    const found = results[flat[i]!]!;
    const values = axis === 1 ? channelsLast(wide(found), found.dims[0]!, neurons!) : wide(found);
    if (!plus) return values;
    const bias = readNumbers(plus.tensor!);
    const round = found.type === 'float16' ? (a: number) => f16ToF32(f32ToF16(a)) : Math.fround;
    return values.map((a, k) => round(a + bias[k % neurons!]!));
  });
}

/** [batch, channels, pixels] as [batch · pixels, channels]. */
function channelsLast(values: number[], batch: number, channels: number): number[] {
  const pixels = values.length / batch / channels;
  return values.map((_, k) => {
    const [position, channel] = [Math.floor(k / channels), k % channels];
    const [row, pixel] = [Math.floor(position / pixels), position % pixels];
    return values[(row * channels + channel) * pixels + pixel]!;
  });
}

/** Float32 sums relative to the sum of the magnitudes: roundings add up like a random walk, or in step where values repeat. */
const sumTolerance = (positions: number): number => 2 ** -23 * Math.max(64, Math.sqrt(positions));

/** Runs a batch through the probes and holds them against the raw tensors, reduced one number after the other. */
export async function expectProbesExact(
  load: () => AuditedModel,
  batch: Batch,
  masked: boolean,
  criterion: Criterion,
): Promise<void> {
  const run = await openProbeRun(load, { criterion, masked, session: { device: 'cpu', threads: 1 } });
  const ranges = await run.findRange(batch);
  const counters = await run.run(batch, ranges);
  await run.dispose();
  const { sites } = load();
  const raw = await rawTensors(load(), batch, masked);
  const counts = (position: number): boolean => !batch.mask || Number(batch.mask.data[position]) === 1;
  expect(counters.length).toBeGreaterThan(0);
  for (const [i, { id, axis, ...site }] of sites.entries()) {
    const found = counters[i]!;
    const neurons = site.neurons ?? found.fired.length;
    const expected = reducePlainly(raw[i]!, neurons, criterion, counts);
    if (axis === -1 && batch.mask) expect(found.positions, id).toBe(batch.positions);
    expect(found.positions, id).toBe(expected.positions);
    for (const name of ['fired', 'positive', 'nonFinite', 'min', 'max'] as const) {
      expect(found[name], `${id} ${name}`).toEqual(expected[name]);
    }
    for (const name of ['sum', 'sumAbs', 'sumSquares'] as const) {
      const scale = name === 'sumSquares' ? expected.sumSquares : expected.sumAbs;
      const worst = found[name].reduce(
        (w, s, n) => Math.max(w, Math.abs(s - expected[name][n]!) / (scale[n]! || 1)),
        0,
      );
      expect(worst, `${id} ${name}`).toBeLessThan(sumTolerance(expected.positions));
    }
    const counted = raw[i]!.filter((value, k) => Number.isFinite(value) && counts(Math.floor(k / neurons)));
    const { scale, zeroPoint } = ranges[i]!;
    expect(found.histogram!.counts, id).toEqual(binPlainly(counted, scale, zeroPoint));
  }
}
