import { test } from 'vitest';
import { audit } from '../src/app/audit.js';

test('try', async () => {
  const t = performance.now();
  const r = await audit({
    model: process.env.F ?? 'models/gpt2/model.onnx',
    tokens: Number(process.env.T ?? 65536),
    checkOutputs: true,
    ...(process.env.D ? { data: process.env.D } : {}),
  });
  console.log((performance.now() - t).toFixed(0), 'ms', r.runtime, r.data, r.warnings, r.model);
  for (const s of r.sites)
    console.log(
      s.id,
      s.positions,
      s.dead,
      s.deadRatio,
      JSON.stringify(s.flags),
      s.frequency.p50,
      s.values.mean,
      s.values.std,
      s.values.min,
      s.values.max,
      s.values.histogram?.counts.reduce((a, b) => a + b, 0),
      s.positions * s.neurons,
    );
}, 600000);
