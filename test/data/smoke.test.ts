import { test } from 'vitest';
import { openData } from '../../src/data/open.js';
const gpt2 = [
  { name: 'input_ids', elemType: 7, shape: ['batch', 'sequence'] },
  { name: 'attention_mask', elemType: 7, shape: ['batch', 'past + sequence'] },
  { name: 'position_ids', elemType: 7, shape: ['batch', 'sequence'] },
  { name: 'past_key_values.0.key', elemType: 10, shape: ['batch', 12, 'past', 64] },
];
test('smoke', async () => {
  for (const [data, tok] of [['sample', 'gpt2'], ['/work/shared/data/wikitext-2/wiki.test.tokens', 'gpt2'], ['sample', 'bert'], ['random', 'gpt2']] as const) {
    const set = await openData({ data, tokenizer: `/work/shared/data/${tok}-tokenizer`, tokens: 65536, modelPath: '/x/model.onnx', inputs: gpt2, vocabulary: tok === 'gpt2' ? 50257 : 30522, maxPositions: 1024, modelKind: 'text' });
    console.log(set.description, set.positions, set.masked);
    const t = performance.now();
    let n = 0; let k = 0;
    for await (const b of set.batches()) { n += b.positions; k++; if (k === 1) console.log(Object.entries(b.feeds).map(([a, f]) => [a, f.type, f.dims.join()]), (b.feeds.input_ids!.data as BigInt64Array).slice(0, 5)); }
    console.log(n, k, performance.now() - t);
  }
});
