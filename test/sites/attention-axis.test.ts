import { expect, test } from 'vitest';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { measure } from '../../src/measure/measure.js';
import { openSubject } from '../../src/measure/subject.js';
import { buildFile } from '../build.js';

/** Attention over 6 pixels of 4 channels whose output projection is a 1 × 1 convolution to 5 channels. */
const pixels = (): string =>
  buildFile({
    inputs: { x: ['float32', ['batch', 4, 6]], stream: ['float32', ['batch', 5, 6]] },
    initializers: { w: ['float32', [5, 4, 1], 0.5] },
    nodes: [
      ['Transpose', ['x'], ['rows'], { perm: [0, 2, 1] }],
      ['MatMul', ['rows', 'x'], ['scores']],
      ['Softmax', ['scores'], ['shares'], { axis: -1 }],
      ['MatMul', ['shares', 'rows'], ['mixed']],
      ['Transpose', ['mixed'], ['channels'], { perm: [0, 2, 1] }],
      ['Conv', ['channels', 'w'], ['projected']],
      ['Add', ['projected', 'stream'], ['y']],
    ],
    outputs: { y: ['float32', ['batch', 5, 6]] },
  });

test('the neurons of a convolutional projection are its channels', async () => {
  const model = pixels();
  const { original } = await openAuditedFile({ model });
  expect(original.sites.map(({ id, axis, neurons }) => [id, axis, neurons])).toEqual([['0.attn_out', 1, 5]]);
  const { counters } = await measure(await openSubject({ model, data: 'random', tokens: 3, threads: 1 }));
  expect(counters[0]!.fired.length).toBe(5);
  expect(counters[0]!.positions).toBe(3 * 6);
});
