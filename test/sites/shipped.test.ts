import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import type { Site } from '../../src/sites/types.js';

interface Expected {
  sites: {
    id: string;
    neurons: number;
    activation: string | null;
    weights: { role: string; initializer: string; axis: number; bias: string | null }[];
  }[];
}

const summary = ({ id, neurons, activation, weights }: Site): Expected['sites'][number] => ({
  id,
  neurons: neurons!,
  activation,
  weights: weights.map(({ role, initializer, axis, bias }) => ({
    role,
    initializer,
    axis,
    bias: bias?.name ?? null,
  })),
});

const shipped = readdirSync('models')
  .map((name) => `models/${name}/sites.json`)
  .filter((path) => existsSync(path));

describe('sites of the shipped models', () => {
  test.each(shipped)('%s lists exactly what is found', async (path) => {
    const expected = JSON.parse(readFileSync(path, 'utf8')) as Expected;
    const { copy } = await openAuditedFile({ model: join(dirname(path), 'model.onnx') });
    const byId = (a: { id: string }, b: { id: string }): number => a.id.localeCompare(b.id);
    const byRole = <T extends { role: string; initializer: string }>(a: T, b: T): number =>
      (a.role + a.initializer).localeCompare(b.role + b.initializer);
    const normal = (sites: Expected['sites']): Expected['sites'] =>
      sites.map((site) => ({ ...site, weights: [...site.weights].sort(byRole) })).sort(byId);
    const found = copy().sites.map(summary);
    // An outgoing weight belongs to the output of the activation; its input is not asked for it.
    const incoming = normal(expected.sites).map((site) =>
      site.id.includes('mlp_pre')
        ? { ...site, weights: site.weights.filter(({ role }) => role !== 'out' && role !== 'up') }
        : site,
    );
    expect(normal(found)).toEqual(incoming);
  });
});

const twoLayers = (activation: string, neurons: number, hidden: number): string[] =>
  [0, 1].flatMap((layer) => [
    `${layer}.attn_out null ${hidden}`,
    `${layer}.mlp_pre ${activation} ${neurons}`,
    `${layer}.mlp_post ${activation} ${neurons}`,
  ]);

/** The same model through different exporters and converters has the same sites. */
const variants: Record<string, string[]> = {
  'gpt2-ts17.onnx': twoLayers('gelu_tanh', 128, 32),
  'gpt2-dynamo20.onnx': twoLayers('gelu_tanh', 128, 32),
  'gpt2-fused.onnx': twoLayers('gelu_tanh', 128, 32),
  'gpt2-fp16.onnx': twoLayers('gelu_tanh', 128, 32),
  'gpt2-int8.onnx': twoLayers('gelu_tanh', 128, 32),
  'gpt2-past.onnx': twoLayers('gelu_tanh', 128, 32),
  'gpt2-ext/model.onnx': twoLayers('gelu_tanh', 128, 32),
  'gpt2-dropout.onnx': twoLayers('gelu_tanh', 128, 32),
  'bert-ts17.onnx': twoLayers('gelu', 128, 32),
  'bert-dynamo20.onnx': twoLayers('gelu', 128, 32),
  'bert-fused.onnx': twoLayers('gelu', 128, 32),
  'bert-qdq.onnx': twoLayers('gelu', 128, 32),
  'llama-ts17.onnx': twoLayers('silu', 96, 32),
  'opt-ts17.onnx': twoLayers('relu', 128, 32),
  'gcn-dense-ts17.onnx': ['0.mlp_pre relu 16', '0.mlp_post relu 16'],
  'gcn-dense-dynamo20.onnx': ['0.mlp_pre relu 16', '0.mlp_post relu 16'],
};

describe('sites of one model in many spellings', () => {
  test.each(Object.entries(variants))('%s', async (file, expected) => {
    const { copy } = await openAuditedFile({ model: `models/variants/${file}` });
    const { sites } = copy();
    expect(sites.map(({ id, activation, neurons }) => `${id} ${activation} ${neurons}`)).toEqual(expected);
    for (const { id, weights } of sites) {
      expect(
        weights.map(({ role }) => role).filter((role) => role === 'in' || role === 'gate'),
        id,
      ).toHaveLength(1);
      if (id.endsWith('mlp_post')) expect(weights.map(({ role }) => role)).toContain('out');
    }
  });

  test('says that a head is no MLP of a block', async () => {
    const { copy } = await openAuditedFile({ model: 'models/variants/bert-ts17.onnx' });
    expect(copy().misses.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('a head, not an MLP of a block'),
    ]);
  });
});
