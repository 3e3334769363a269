import { describe, expect, it } from 'vitest';
import { addQualityHead } from '../../src/probe/quality-head.js';
import { buildGraphModel } from '../build.js';
import { computed, floats, runGraph } from './run-graph.js';

const logits = [
  [2, -1, 0.5],
  [0, 0, 3],
  [-1e4, 1e4, 0],
  [1, 1, 1],
];
const targets = [0, 1, 1, 2];

/** −log softmax(row)[target], in double precision. */
function crossEntropy(row: number[], target: number): number {
  const largest = Math.max(...row);
  const total = row.reduce((sum, value) => sum + Math.exp(value - largest), 0);
  return Math.log(total) - (row[target]! - largest);
}

describe.each([11, 13, 18])('the quality head in opset %d', (opset) => {
  it('gives the loss and the hit of every row, and neither logits nor what else the model puts out', async () => {
    const model = buildGraphModel({
      opset,
      inputs: { x: ['float32', ['b', 's', 3]] },
      nodes: [
        ['Identity', ['x'], ['logits']],
        ['Neg', ['x'], ['other']],
      ],
      outputs: ['logits', 'other'],
    });
    const head = addQualityHead(model, computed(model, 'logits'));
    const results = await runGraph(model, {
      x: floats([2, 2, 3], logits.flat()),
      [head.targets]: { type: 'int64', dims: [4, 1], data: BigInt64Array.from(targets, BigInt) },
    });
    expect(Object.keys(results).sort()).toEqual([head.loss, head.correct].sort());
    const { dims, data } = results[head.loss]!;
    expect(dims).toEqual([4, 1]);
    for (const [row, loss] of data.entries())
      expect(loss).toBeCloseTo(crossEntropy(logits[row]!, targets[row]!), 5);
    expect(results[head.correct]).toEqual({ dims: [4, 1], data: [1, 0, 1, 0] });
  });
});
