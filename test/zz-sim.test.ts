import { test } from 'vitest';
import { openSimulator } from '../src/app/bounds-simulate.js';
import { uniformBounds, kernelParameters, fullKernelParameters } from '../src/stats/bounds.js';
test('x', async () => {
  const s = openSimulator();
  for (const bias of [false, true]) for (const [width, kernel] of [[2, 1], [3, 1], [2, 3], [4,3], [3, 2]] as const) {
    const t = performance.now();
    const N = 512;
    const r = await s.simulate({ width, depth: 32, networks: N, points: 64, seed: 1, bias, convolution: { kernel, side: 4 } });
    const b = (k: number) => uniformBounds({ neurons: width, parameters: kernelParameters(width, kernel, bias) }, k);
    const f = (k: number) => uniformBounds({ neurons: width, parameters: fullKernelParameters(width, kernel, bias) }, k);
    console.log(bias, width, kernel, ((performance.now() - t) / 1000).toFixed(1), [1, 2, 4, 8, 16, 32].map((k) => `${k}: ${b(k).lower.toFixed(3)} ${(r.living[k - 1]! / N).toFixed(3)} ${b(k).upper.toFixed(3)}/${f(k).upper.toFixed(3)} share ${r.aliveShare[k - 1]!.toFixed(3)} `).join(' | '));
  }
  for (const scheme of ['flip', 'batch-norm'] as const) for (const width of [4, 8]) {
    const t = performance.now();
    const r = await s.simulate({ width, depth: 256, networks: 128, points: 1024, seed: 1, scheme });
    console.log(scheme, width, ((performance.now() - t) / 1000).toFixed(1), [1, 2, 4, 8, 16, 32, 64, 128, 256].map((k) => `${k}: ${(r.living[k - 1]! / 128).toFixed(3)}  share ${r.aliveShare[k - 1]!.toFixed(3)} least ${r.leastAliveShare[k - 1]} `).join(' | '));
  }
  const r = await s.simulate({ width: 8, depth: 256, networks: 128, points: 1024, seed: 1, spread: true });
  console.log([1, 2, 4, 8, 16, 32, 64, 128, 256].map((k) => `${k} ${r.spread[k-1]}`));
  const q = await s.simulate({ width: 3, depth: 64, networks: 512, points: 1024, seed: 1, bias: true });
  console.log([1, 2, 4, 8, 16, 32, 64].map((k) => `${k} ${q.living[k-1]! / 512} ${uniformBounds({neurons:3,parameters:12},k).lower} ${q.aliveShare[k-1]}`));
  await s.dispose();
}, 300000);
