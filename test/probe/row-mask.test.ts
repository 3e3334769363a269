import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/data/types.js';
import { Builder } from '../../src/graph/builder.js';
import { toOnnx } from '../../src/graph/to-onnx.js';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { openProbeRun } from '../../src/measure/probe-run.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { countedRows, positionMask, rowMask } from '../../src/probe/row-mask.js';
import { openSession } from '../../src/runtime/session.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { buildFile, buildGraphModel } from '../build.js';

/** The rows that count, of so many, as a graph of this opset computes them. */
async function rowsThatCount(opset: number, mask: number[], rows: number): Promise<number[]> {
  const model = buildGraphModel({
    opset,
    irVersion: 4,
    inputs: { mask: ['bool', ['p']], x: ['float32', ['r', 1]] },
    nodes: [],
    outputs: [],
  });
  const [given, x] = model.graph.inputs;
  const b = Builder.of(model, 'audit/');
  const counts = b.cast(rowMask(b, positionMask(b, given!), x!, 'rows'), 2);
  model.graph.addOutput(counts);
  const session = await openSession({
    model: encodeModel(toOnnx(model)),
    folder: '.',
    device: 'cpu',
    threads: 1,
  });
  const results = await session.run({
    feeds: {
      mask: { type: 'bool', dims: [mask.length], data: Uint8Array.from(mask) },
      x: { type: 'float32', dims: [rows, 1], data: new Float32Array(rows) },
    },
    fetch: [counts.name],
  });
  await session.dispose();
  const found = results[counts.name]!;
  expect(found.dims).toEqual([rows, 1]);
  return [...(found.data as Uint8Array)];
}

describe.each([7, 9, 17])('the mask of a tensor’s rows, in opset %d', (opset) => {
  it.each<[string, number[], number[]]>([
    ['a row for each position', [1, 0, 1, 1], [1, 0, 1, 1]],
    ['a row for each sequence: one position is enough', [1, 1, 0, 1, 0, 0, 0, 0, 0], [1, 1, 0]],
    ['padding on the left', [0, 0, 1, 0, 1, 1], [1, 1]],
    ['one row for all positions', [0, 0, 1], [1]],
    ['three rows for each position', [1, 0, 1], [1, 1, 1, 0, 0, 0, 1, 1, 1]],
    ['no row', [1, 0, 1], []],
    ['no position and no row', [], []],
  ])('has %s', async (_, mask, expected) => {
    expect(await rowsThatCount(opset, mask, expected.length)).toEqual(expected);
    expect(countedRows(mask, expected.length)).toBe(expected.filter((counts) => counts).length);
  });
});

describe('a masked batch', () => {
  /** x [batch, tokens, 2] → ReLU → first token of each sequence → tanh, as BERT's pooler. */
  const pooled = () =>
    buildFile({
      inputs: { x: ['float32', ['batch', 'tokens', 2]] },
      initializers: {
        w: ['float32', [2, 2], [1, 0, 0, 1]],
        v: ['float32', [2, 2], [1, 0, 0, 1]],
        p: ['float32', [2, 2], [1, 0, 0, 1]],
        u: ['float32', [2, 2], 1],
        first: ['int64', [], 0],
      },
      nodes: [
        ['MatMul', ['x', 'w'], ['pre0']],
        ['Relu', ['pre0'], ['post0']],
        ['MatMul', ['post0', 'v'], ['hidden']],
        ['Gather', ['hidden', 'first'], ['token'], { axis: 1 }],
        ['MatMul', ['token', 'p'], ['pre1']],
        ['Tanh', ['pre1'], ['post1']],
        ['MatMul', ['post1', 'u'], ['y']],
      ],
      outputs: { y: ['float32', ['batch', 2]] },
    });

  it('counts every sequence of a pooled tensor that has a token, and no sequence of padding', async () => {
    const { copy } = await openAuditedFile({ model: pooled() });
    const session = { device: 'cpu', threads: 1 } as const;
    const run = await openProbeRun(copy, { criterion: completeCriterion(), masked: true, session });
    const x = [1, -1, 2, -2, 3, 3, 4, 4, 5, 5, 6, 6];
    const batch: Batch = {
      feeds: { x: { type: 'float32', dims: [3, 2, 2], data: Float32Array.from(x) } },
      blocks: [0],
      sequences: 3,
      positions: 3,
      mask: { type: 'uint8', dims: [3, 2], data: Uint8Array.of(1, 1, 1, 0, 0, 0) },
    };
    const counters = await run.run(batch, await run.findRange(batch));
    await run.dispose();
    const found = Object.fromEntries(copy().sites.map(({ id }, i) => [id, counters[i]!]));
    expect(found['0.mlp_pre']).toMatchObject({ positions: 3, sum: Float64Array.of(6, 0) });
    expect(found['1.mlp_pre']).toMatchObject({ positions: 2, sum: Float64Array.of(4, 3) });
    for (const { positions, histogram } of counters)
      expect(histogram!.counts.reduce((sum, count) => sum + count, 0)).toBe(2 * positions);
  });
});
