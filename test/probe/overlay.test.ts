import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { topologicalOrder } from '../../src/graph/traversal.js';
import { type AuditedModel, openAuditedFile } from '../../src/measure/audited-model.js';
import { auditOverlay, encodeOverlay } from '../../src/probe/overlay.js';
import { openSession } from '../../src/runtime/session.js';
import type { RunRequest } from '../../src/runtime/types.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { buildFile, type NodeSpec, type TensorSpec } from '../build.js';

const CHANNELS = 16;
const SIDE = 128;

/** x [batch, 16, 128, 128] → 12 convolutions and ReLUs → mean. */
function deepConvolution(): string {
  const initializers: Record<string, TensorSpec> = {};
  const nodes: NodeSpec[] = [];
  for (let layer = 0; layer < 12; layer++) {
    initializers[`w${layer}`] = ['float32', [CHANNELS, CHANNELS, 1, 1], 0.1];
    nodes.push(
      ['Conv', [layer === 0 ? 'x' : `post${layer - 1}`, `w${layer}`], [`pre${layer}`]],
      ['Relu', [`pre${layer}`], [`post${layer}`]],
    );
  }
  nodes.push(['GlobalAveragePool', ['post11'], ['y']]);
  return buildFile({
    inputs: { x: ['float32', ['batch', CHANNELS, SIDE, SIDE]] },
    initializers,
    nodes,
    outputs: { y: ['float32', ['batch', CHANNELS, 1, 1]] },
  });
}

const options = { criterion: completeCriterion(), masked: false, countNonFinite: false };

function overlayOf({ model, sites, folder, rectifier }: AuditedModel): ReturnType<typeof auditOverlay> {
  return auditOverlay(model, sites, folder, { ...options, rectifier: rectifier.network });
}

describe('an audit overlay', () => {
  it('computes the probe of an earlier layer after that of a later one in the file, which ONNX Runtime turns around', async () => {
    const { copy } = await openAuditedFile({ model: deepConvolution() });
    const selected = copy();
    const { probes, livingPoints } = overlayOf(selected);
    const position = new Map(
      topologicalOrder(selected.model.graph).flatMap(({ outputs }, i) =>
        outputs.map((output) => [output?.name, i] as const),
      ),
    );
    const outputs = probes.sites.map(({ counters, bins }) => [position.get(counters)!, position.get(bins)!]);
    for (const [i, [counters, bins]] of outputs.entries()) {
      const [laterCounters, laterBins] = outputs[i + 1] ?? [-1, -1];
      expect(Math.min(counters!, bins!)).toBeGreaterThan(Math.max(laterCounters!, laterBins!));
    }
    const alive = livingPoints.map(({ output }) => position.get(output)!);
    expect(livingPoints).toHaveLength(12);
    expect(alive).toEqual(alive.toSorted((a, b) => b - a));
  });

  it('never holds the tensors of all sites at once', async () => {
    const { copy } = await openAuditedFile({ model: deepConvolution() });
    const selected = copy();
    const { bytes, probes, livingPoints } = overlayOf(selected);
    const batch = 8;
    const dims = [batch, CHANNELS, SIDE, SIDE];
    const tensorBytes = 4 * batch * CHANNELS * SIDE * SIDE;
    const feeds: RunRequest['feeds'] = {
      x: { type: 'float32', dims, data: new Float32Array(tensorBytes / 4).fill(1) },
    };
    for (const { scale, zeroPoint } of probes.sites) {
      feeds[scale] = { type: 'float32', dims: [], data: Float32Array.of(1) };
      feeds[zeroPoint] = { type: 'uint8', dims: [], data: Uint8Array.of(0) };
    }
    const { folder } = selected;
    const session = await openSession({ model: bytes, folder, device: 'cpu', threads: 1 });
    const before = session.peakRssBytes();
    const fetch = [
      ...probes.sites.map(({ counters }) => counters),
      ...livingPoints.map(({ output }) => output),
    ];
    await session.run({ feeds, fetch });
    const grown = session.peakRssBytes() - before;
    await session.dispose();
    // The input arrives as a copy, too. Before their order was set, all 24 tensors and more were there: 30
    // times as much.
    expect(probes.sites).toHaveLength(24);
    expect(grown / tensorBytes).toBeLessThan(24);
  });

  it('names the inputs of the model that it still reads, and how many nodes it dropped', async () => {
    const path = buildFile({
      inputs: { x: ['float32', ['n', 2]], z: ['float32', ['n', 2]] },
      initializers: { w: ['float32', [2, 2], 1], v: ['float32', [2, 2], 1] },
      nodes: [
        ['MatMul', ['x', 'w'], ['pre']],
        ['Relu', ['pre'], ['post']],
        ['MatMul', ['post', 'v'], ['h']],
        ['Add', ['h', 'z'], ['y']],
      ],
      outputs: { y: ['float32', ['n', 2]] },
    });
    const { copy } = await openAuditedFile({ model: path });
    const selected = copy();
    expect(overlayOf(selected)).toMatchObject({ inputs: ['x'], removedNodes: 2 });
    const kept = copy();
    const withOutputs = auditOverlay(kept.model, kept.sites, dirname(path), {
      ...options,
      keepOutputs: true,
    });
    expect(withOutputs).toMatchObject({ inputs: ['x', 'z'], removedNodes: 0 });
    expect(kept.model.graph.outputs.map(({ name }) => name)).toContain('y');
  });

  it('holds no weights that lie on disk', async () => {
    const path = buildFile({
      inputs: { x: ['float32', ['n', 256]] },
      initializers: { w: ['float32', [256, 256], 0.5], v: ['float32', [256, 4], 0.5] },
      nodes: [
        ['MatMul', ['x', 'w'], ['pre']],
        ['Relu', ['pre'], ['post']],
        ['MatMul', ['post', 'v'], ['y']],
      ],
      outputs: { y: ['float32', ['n', 4]] },
    });
    const { copy } = await openAuditedFile({ model: path });
    expect(encodeOverlay(copy().model, dirname(path)).length).toBeLessThan(20_000);
  });
});
