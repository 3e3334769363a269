import { test } from 'vitest';
import { strip } from '../../src/app/strip.js';
test('x', async () => {
  for (const model of ['models/variants/gpt2-ext/model.onnx','models/zoo/files/gpt2-ts17ext.onnx'])
  for (const [threshold, deadBelow] of [[0.02, 0.5], [0.05,0.5],[0.2,0.5],[0.5, 0.5], [0, 0.9]]) {
    const r = await strip({ model, to: null, criterion: { threshold, deadBelow }, tokens: 512, data: 'random', seqLen: 16, threads: 1, device: 'cpu' });
    console.log(model, threshold, deadBelow, JSON.stringify(r.sites.map((s) => [s.id, s.neurons, s.dead.before, s.weights])));
  }
}, 100000);
