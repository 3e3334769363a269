import { test } from 'vitest';
import { openForAudit } from '../src/app/load.js';
import { findEmbeddings } from '../src/patterns/embedding.js';

test('try', async () => {
  for (const f of (process.env.F ?? '').split(',')) {
    const t = performance.now();
    const { opened, load } = await openForAudit({ model: f });
    const t1 = performance.now();
    const s = load();
    const t2 = performance.now();
    console.log(
      f,
      'open ms',
      (t1 - t).toFixed(0),
      'sites ms',
      (t2 - t1).toFixed(0),
      s.plugin?.name,
      findEmbeddings(s.model.graph),
      'folder',
      s.folder,
    );
    for (const x of s.sites)
      console.log(
        x.id,
        x.activation,
        x.neurons,
        x.value.name,
        x.plus?.name ?? '',
        x.weights
          .map((w) => `${w.role}:${w.initializer}[${w.axis}] b=${w.bias?.name} ${w.fanIn}/${w.fanOut}`)
          .join(' '),
      );
    for (const m of s.misses) console.log('MISS', m.what, m.reason);
  }
});
