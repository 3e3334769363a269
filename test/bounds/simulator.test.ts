import { afterAll, describe, expect, it } from 'vitest';
import {
  convolutionParameters,
  denseParameters,
  oneMapParameters,
  pointAlive,
  uniformBounds,
} from '../../src/bounds/formulas.js';
import type { SimulationOptions } from '../../src/bounds/simulation.js';
import { openSimulator } from '../../src/bounds/simulator.js';
import { wilsonInterval } from '../../src/stats/wilson-interval.js';

const simulator = openSimulator();
afterAll(() => simulator.dispose());

const run = (options: Partial<SimulationOptions> & { width: number; depth: number }) =>
  simulator.simulate({ networks: 400, points: 128, seed: 5, threads: 2, ...options });

/** Four standard deviations: the seed is fixed, and a wrong formula is off by far more. */
const Z = 4;

describe('random networks', () => {
  it.each([
    [1, 6, false],
    [2, 12, false],
    [3, 40, false],
    [5, 40, false],
    [2, 12, true],
    [3, 40, true],
  ])(
    'of width %i and depth %i, bias %s, are alive as often as the bounds allow',
    async (width, depth, bias) => {
      const { living, networks, aliveShare } = await run({ width, depth, bias });
      const shape = { neurons: width, parameters: denseParameters(width, bias) };
      for (let k = 1; k <= depth; k++) {
        const { low, high } = wilsonInterval(living[k - 1]!, networks, Z);
        const { lower, upper } = uniformBounds(shape, k);
        expect(high, `depth ${k}`).toBeGreaterThanOrEqual(lower);
        expect(low, `depth ${k}`).toBeLessThanOrEqual(upper);
        // One given point is alive with probability ℓ(n, k); the points of a network die together.
        const deviation = Math.sqrt((pointAlive(width, k) * (1 - pointAlive(width, k))) / networks);
        expect(Math.abs(aliveShare[k - 1]! - pointAlive(width, k))).toBeLessThan(Z * deviation);
        if (k > 1) expect(living[k - 1]).toBeLessThanOrEqual(living[k - 2]!);
      }
    },
  );

  it('give the same from the same seed, whatever the order in which runs end', async () => {
    const options = { width: 4, depth: 70, networks: 300, points: 1024, variance: true };
    const [a, b] = [await run(options), await run(options)];
    expect(a).toEqual(b);
    expect(await run({ ...options, seed: 6 })).not.toEqual(a);
  });

  it('may be one network of one point and one layer', async () => {
    const { living, aliveShare, meanVariance } = await run({ width: 1, depth: 1, networks: 1, points: 1 });
    expect(aliveShare[0]).toBe(living[0]);
    expect(meanVariance).toEqual([null]);
  });

  it('keep at least 2^−k of their points with sign flips, in every single network', async () => {
    for (const width of [1, 2, 4]) {
      const { leastAliveShare } = await run({ width, depth: 64, scheme: 'flip', networks: 200 });
      for (const [d, share] of leastAliveShare.entries()) {
        expect(Math.ceil(share * 128)).toBeGreaterThanOrEqual(Math.floor(128 / 2 ** (d + 1)));
      }
      // A width of 1 loses about half, once: what lives afterwards lies on one side.
      expect(leastAliveShare.at(-1)).toBeGreaterThan(0);
    }
  });

  it('die later as networks, not as points, with batch normalization', async () => {
    const plain = await run({ width: 4, depth: 32 });
    const normalized = await run({ width: 4, depth: 32, scheme: 'batch-norm' });
    expect(normalized.living.at(-1)! / 400).toBeGreaterThan(0.9);
    expect(plain.living.at(-1)! / 400).toBeLessThan(0.4);
    expect(Math.abs(normalized.aliveShare.at(-1)! - pointAlive(4, 32))).toBeLessThan(0.05);
  });

  it('keep their scale: 256 layers neither vanish nor overflow in float32', async () => {
    const { living, meanVariance, networks } = await run({
      width: 12,
      depth: 256,
      networks: 64,
      variance: true,
    });
    expect(wilsonInterval(living[255]!, networks, Z).high).toBeGreaterThan(pointAlive(12, 256));
    expect(meanVariance.every((ratio) => ratio !== null && ratio > 0)).toBe(true);
  });
});

describe('random convolutional networks', () => {
  it.each([
    [2, 1, false],
    [2, 3, true],
    [3, 2, true],
  ])(
    'of %i maps and %i × kernels, bias %s, keep the bounds for kernels over all input maps',
    async (width, kernel, bias) => {
      const convolution = { kernel, side: 4 };
      const { living, networks } = await run({
        width,
        depth: 16,
        bias,
        convolution,
        points: 32,
        networks: 150,
      });
      const shape = { neurons: width, parameters: convolutionParameters(width, kernel, bias) };
      for (const [d, alive] of living.entries()) {
        const { low, high } = wilsonInterval(alive, networks, Z);
        const { lower, upper } = uniformBounds(shape, d + 1);
        expect(high).toBeGreaterThanOrEqual(lower);
        expect(low).toBeLessThanOrEqual(upper);
      }
    },
  );

  it('exceed equation 22, which counts kernels of one input map each, where kernels span all maps', async () => {
    const convolution = { kernel: 1, side: 4 };
    const { living, networks } = await run({ width: 3, depth: 2, convolution, networks: 300, points: 64 });
    const equation22 = uniformBounds({ neurons: 3, parameters: oneMapParameters(3, 1, false) }, 2);
    expect(wilsonInterval(living[1]!, networks, Z).low).toBeGreaterThan(equation22.upper);
  });

  it('of 1 × 1 kernels and one pixel are the dense ones', async () => {
    const options = { width: 3, depth: 40, networks: 64 };
    const dense = await run(options);
    const convolution = await run({ ...options, convolution: { kernel: 1, side: 1 } });
    expect(convolution.living).toEqual(dense.living);
    expect(convolution.aliveShare).toEqual(dense.aliveShare);
  });
});
