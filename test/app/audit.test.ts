import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { audit } from '../../src/app/audit.js';
import { mergeReports } from '../../src/app/merge.js';
import type { AuditReport } from '../../src/report/schema.js';
import { buildFile } from '../build.js';

const tiny = 'models/variants/gpt2-ts17.onnx';
/** 12 batches of random tokens. */
const settings = {
  model: tiny,
  data: 'random',
  tokens: 12 * 64,
  seqLen: 16,
  batchSize: 4,
  hash: false,
  threads: 1,
} as const;

const temporary = (name: string): string => join(mkdtempSync(join(tmpdir(), 'audit-')), name);

/** What must be the same in two runs: everything but times and memory. */
const essence = ({ sites, data, criterion, summary }: AuditReport): object => ({
  sites,
  data,
  criterion,
  summary,
});

describe('audit', () => {
  test('counts the dead neurons that a model was built with', async () => {
    const report = await audit({ model: 'models/mlp/model.onnx', data: 'models/mlp/inputs.npz' });
    const { dead } = JSON.parse(readFileSync('models/mlp/expected.json', 'utf8')) as {
      dead: Record<string, number[]>;
    };
    const found = Object.fromEntries(
      report.sites.filter(({ site }) => site === 'mlp_post').map(({ id, deadNeurons }) => [id, deadNeurons]),
    );
    expect(found).toEqual(dead);
  });

  test('has the same result when it is stopped and taken up again', async () => {
    const whole = await audit(settings);
    const resume = temporary('state.json.gz');
    const controller = new AbortController();
    let batches = 0;
    const stopped = await audit({
      ...settings,
      resume,
      signal: controller.signal,
      onProgress: () => ++batches === 5 && controller.abort(),
    });
    expect(stopped.data.complete).toBe(false);
    expect(stopped.data.positions).toBe(5 * 64);
    const resumed = await audit({ ...settings, resume });
    expect(essence(resumed)).toEqual(essence(whole));
    const again = await audit({ ...settings, resume });
    expect(essence(again)).toEqual(essence(whole));
  });

  test('refuses the state of another run, and a file that is no state', async () => {
    const resume = temporary('state.json');
    await audit({ ...settings, tokens: 64, resume });
    await expect(audit({ ...settings, tokens: 64, resume, threshold: 0.5 })).rejects.toThrow(
      /another run: its criterion/,
    );
    writeFileSync(resume, '{');
    await expect(audit({ ...settings, resume })).rejects.toThrow(/not a state file/);
  });

  test('of the shards, merged, equals the whole to the count', async () => {
    const whole = await audit(settings);
    const shards = await Promise.all([0, 1, 2].map((index) => audit({ ...settings, shard: `${index}/3` })));
    const merged = mergeReports(shards.map((report, i) => ({ path: `shard ${i}`, report })));
    expect(merged.data.positions).toBe(whole.data.positions);
    for (const [i, site] of merged.sites.entries()) {
      const expected = whole.sites[i]!;
      expect(site.values.histogram, site.id).toEqual(expected.values.histogram);
      expect(site.frequency, site.id).toEqual(expected.frequency);
      expect(site.deadNeurons, site.id).toEqual(expected.deadNeurons);
      expect(site.flags, site.id).toEqual(expected.flags);
      for (const name of ['fired', 'positive', 'nonFinite', 'min', 'max'] as const) {
        expect(site.perNeuron[name], `${site.id} ${name}`).toEqual(expected.perNeuron[name]);
      }
    }
  });

  test('stops once the dead set has not changed for so many batches', async () => {
    const report = await audit({ ...settings, untilStable: 3, dead: 'silent' });
    expect(report.data.complete).toBe(true);
    expect(report.data.positions).toBe(4 * 64);
  });

  test.each([
    [
      'models/gpt2/model.onnx',
      'sample',
      /^The model's own outputs are bit for bit the same with and without/,
    ],
    // Its attention is fused with the bias after the projection, unless somebody reads between them.
    [
      'models/zoo/files/bert-dynamo20.onnx',
      'random',
      /differ by at most [1-9]\.\de-[5-9] \(logits\): a fusion was/,
    ],
  ])('says by how much probes change the outputs of %s', async (model, data, sentence) => {
    const { warnings } = await audit({ model, data, tokens: 64, checkOutputs: true });
    expect(warnings.find(({ code }) => code === 'outputs-checked')?.message).toMatch(sentence);
  });

  test('reads only the sites that are asked for', async () => {
    const report = await audit({ ...settings, tokens: 64, sites: ['mlp_post', '0.attn_*'] });
    expect(report.sites.map(({ id }) => id)).toEqual(['0.attn_out', '0.mlp_post', '1.mlp_post']);
    await expect(audit({ ...settings, sites: ['7.mlp_post'] })).rejects.toThrow(
      /matches no site; the model has 0.attn_out/,
    );
    await expect(audit({ ...settings, layers: [2] })).rejects.toThrow(/layers 0 to 1/);
  });

  test('takes sites that are named by hand', async () => {
    const map = { '*.mlp_post.act': '/transformer/h.*/mlp/act/Tanh_output_0' };
    const report = await audit({ ...settings, tokens: 64, map, sites: ['*.mlp_post.act'] });
    expect(report.sites.map(({ id, tensor }) => `${id} ${tensor}`)).toEqual([
      '0.mlp_post.act /transformer/h.0/mlp/act/Tanh_output_0',
      '1.mlp_post.act /transformer/h.1/mlp/act/Tanh_output_0',
    ]);
    await expect(audit({ ...settings, map: { '0.mlp_post': '/transformer/h.9/mlp' } })).rejects.toThrow(
      /names no tensor/,
    );
    await expect(
      audit({ ...settings, map: { nonsense: '/transformer/h.0/mlp/act/Tanh_output_0' } }),
    ).rejects.toThrow(/layer.site/);
  });

  test('warns of a Dropout that was left in training mode', async () => {
    const { warnings } = await audit({ ...settings, model: 'models/variants/gpt2-dropout.onnx', tokens: 64 });
    expect(warnings.map(({ code }) => code)).toContain('training-dropout');
  });

  test('runs a graph with a ScatterND that adds on one thread, and says so', async () => {
    const model = buildFile({
      inputs: { x: ['float32', [3, 2]] },
      initializers: {
        w: ['float32', [2, 2], [1, 0, 0, 1]],
        zeros: ['float32', [3, 2], 0],
        to: ['int64', [3, 1], [0, 1, 0]],
      },
      nodes: [
        ['MatMul', ['x', 'w'], ['h']],
        ['ScatterND', ['zeros', 'to', 'h'], ['sum'], { reduction: 'add' }],
        ['Relu', ['sum'], ['y']],
      ],
      outputs: ['y'],
      opset: 18,
    });
    const { warnings, sites } = await audit({ model, data: 'random' });
    expect(warnings.map(({ code }) => code)).toContain('scatter-race');
    expect(sites.map(({ id }) => id)).toEqual(['0.mlp_pre', '0.mlp_post']);
  });

  test('follows external data and gives the same result', async () => {
    const inline = await audit({ ...settings, tokens: 128 });
    const external = await audit({ ...settings, model: 'models/variants/gpt2-ext/model.onnx', tokens: 128 });
    expect(essence(external)).toEqual(essence(inline));
    expect(external.model.graphSha256).toBe(inline.model.graphSha256);
    expect(external.model.files.length).toBe(2);
  });

  test('leaves nothing behind beside the model', async () => {
    const model = buildFile({
      inputs: { x: ['float32', ['n', 2]] },
      initializers: { w: ['float32', [2, 2], 1] },
      nodes: [
        ['MatMul', ['x', 'w'], ['h']],
        ['Relu', ['h'], ['y']],
      ],
      outputs: ['y'],
    });
    await audit({ model, data: 'random' });
    expect(readdirSync(join(model, '..'))).toEqual(['model.onnx']);
  });
});
