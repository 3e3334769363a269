import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { audit } from '../../../src/app/audit.js';
import { swapChart } from '../../../src/repair/swap/chart.js';
import { swapReportSchema } from '../../../src/repair/swap/schema.js';
import { swap } from '../../../src/repair/swap/swap.js';
import { openSession } from '../../../src/runtime/session.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-swap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const mlp = 'models/mlp/model.onnx';
const few = { data: 'models/mlp/inputs.npz', threads: 1, device: 'cpu' } as const;

describe('swap', () => {
  it('compares functions on the same batches, the model as it is first', { timeout: 120_000 }, async () => {
    const report = await swap({ ...few, model: mlp, to: ['relu', 'gelu'], hash: false });
    expect(swapReportSchema.parse(report)).toEqual(report);
    const [own, relu, gelu] = report.variants;
    expect([own, relu, gelu].map((variant) => variant!.activation)).toEqual([null, 'relu', 'gelu']);
    // models/mlp is a ReLU network: another ReLU in its place changes nothing at all.
    expect(relu!.sites).toEqual(own!.sites);
    expect(relu!.quality).toEqual(own!.quality);
    expect(relu!.worse).toBe(0);
    const plain = await audit({ ...few, model: mlp, hash: false });
    const posts = plain.sites.filter(({ site }) => site === 'mlp_post');
    expect(own!.sites.map(({ id, dead }) => [id, dead])).toEqual(posts.map(({ id, dead }) => [id, dead]));
    expect(gelu!.deadRatio).toBeLessThan(own!.deadRatio!);
    expect(report.options.swapped).toEqual(posts.map(({ id }) => id));
  });

  it('swaps only the layers asked for', { timeout: 60_000 }, async () => {
    const report = await swap({ ...few, model: mlp, to: ['softplus'], layers: [1], hash: false });
    expect(report.options.swapped).toEqual(['1.mlp_post']);
    expect(report.variants[1]!.sites.map(({ id, activation }) => `${id} ${activation}`)).toEqual([
      '1.mlp_post softplus',
    ]);
  });

  it('writes models that ONNX Runtime opens, their weights beside them', { timeout: 120_000 }, async () => {
    const output = join(folder, 'written');
    const report = await swap({ ...few, model: mlp, to: ['gelu', 'elu'], hash: false, folder: output });
    const names = readdirSync(output).sort();
    expect(names).toEqual(['model.elu.onnx', 'model.gelu.onnx', 'model.onnx.weights', 'swap.svg']);
    expect(readFileSync(join(output, 'model.onnx.weights')).equals(readFileSync(mlp))).toBe(true);
    for (const { activation, output: path, sites } of report.variants.slice(1)) {
      const session = await openSession({
        model: readFileSync(path!),
        folder: output,
        device: 'cpu',
        threads: 1,
      });
      await session.dispose();
      const again = await audit({ ...few, model: path!, hash: false });
      const posts = again.sites.filter(({ site }) => site === 'mlp_post');
      expect(posts.map(({ id, dead }) => [id, dead])).toEqual(sites.map(({ id, dead }) => [id, dead]));
      expect(posts.every((site) => site.activation!.startsWith(activation!))).toBe(true);
    }
  });

  it("refers to the model's own file in its own folder, and runs twice", { timeout: 120_000 }, async () => {
    const own = mkdtempSync(join(folder, 'own-'));
    copyFileSync('models/gpt2-relu/model.onnx', join(own, 'model.onnx'));
    const few = { data: 'random', tokens: 64, seqLen: 16, threads: 1, device: 'cpu', hash: false } as const;
    for (const _ of [1, 2]) await swap({ ...few, model: join(own, 'model.onnx'), to: ['silu'], folder: own });
    expect(readdirSync(own).sort()).toEqual(['model.onnx', 'model.silu.onnx', 'swap.svg']);
    const { size } = statSync(join(own, 'model.silu.onnx'));
    expect(size).toBeLessThan(statSync(join(own, 'model.onnx')).size / 4);
    const again = await audit({ ...few, model: join(own, 'model.silu.onnx') });
    expect(again.sites.filter(({ site }) => site === 'mlp_post').every((s) => s.activation === 'silu')).toBe(
      true,
    );
  });

  it('tries one function with several slopes, and knows functions by other names', async () => {
    const output = join(folder, 'slopes');
    const to = ['leaky-relu:0.5', 'leakyrelu:-0.1', 'Swish', 'silu'];
    const report = await swap({ ...few, model: mlp, to, hash: false, folder: output });
    expect(report.variants.map(({ activation }) => activation)).toEqual([
      null,
      'leaky_relu(0.5)',
      'leaky_relu(-0.1)',
      'silu',
    ]);
    expect(readdirSync(output).filter((name) => name.includes('leaky'))).toEqual([
      'model.leaky_relu--0.1.onnx',
      'model.leaky_relu-0.5.onnx',
    ]);
    const again = await audit({ ...few, model: join(output, 'model.leaky_relu-0.5.onnx'), hash: false });
    expect(again.sites.find(({ site }) => site === 'mlp_post')!.activation).toBe('leaky_relu(0.5)');
  }, 120_000);

  it('refuses functions that it cannot write, and models without an MLP', async () => {
    await expect(swap({ ...few, model: mlp, to: ['swoosh'] })).rejects.toThrow(
      /some of relu, leaky_relu, .*got `swoosh`/,
    );
    await expect(swap({ ...few, model: mlp, to: [] })).rejects.toThrow(/some of relu/);
  });
});

describe('swapChart', () => {
  const site = (id: string, deadRatio: number) =>
    ({ id, deadRatio, activation: 'relu' }) as Parameters<typeof swapChart>[0][number]['sites'][number];

  it('draws a line per variant with a point per layer, and escapes names', () => {
    const sites = [site('0.mlp_post', 0.02), site('1.mlp_post', 0.08)];
    const svg = swapChart(
      [
        { activation: null, sites },
        { activation: 'gelu', sites: sites.map(({ id }) => site(id, 0)) },
      ],
      'a <b> & c',
    );
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg.match(/<circle/g)).toHaveLength(4);
    expect(svg).toContain('a &lt;b&gt; &amp; c');
    expect(svg).toContain('as it is (relu)');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('survives one layer, no dead neuron and no layer at all', () => {
    for (const sites of [[site('0.mlp_post', 0)], []]) {
      expect(swapChart([{ activation: null, sites }], 'x')).not.toMatch(/NaN|undefined|Infinity/);
    }
  });
});
