import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openForAudit } from '../src/app/load.js';
import type { Site } from '../src/sites/types.js';

/** What is true of the PyTorch module (models/zoo), whatever an exporter made of it. */
interface Expected {
  sites: {
    id: string;
    neurons: number;
    activation: string | null;
    /** `rows`: the part [start, end) of a packed weight. */
    weights?: {
      role: string;
      initializer: string;
      axis: number;
      bias: string | null;
      rows?: [number, number];
    }[];
    noWeightsReason?: string;
  }[];
}

const folder = 'models/zoo/files';
const suffix = '.sites.json';
const cases = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => name.endsWith(suffix))
      .map((name) => name.slice(0, -suffix.length))
  : [];

const incoming = new Set(['in', 'gate', 'up']);

function line({ id, neurons, activation }: Pick<Site, 'id' | 'neurons' | 'activation'>): string {
  return `${id} ${neurons} ${activation}`;
}

describe('the zoo', () => {
  test.each(cases)('%s: every site, its activation and the weights behind its neurons', async (name) => {
    const expected = JSON.parse(readFileSync(`${folder}/${name}${suffix}`, 'utf8')) as Expected;
    const { load } = await openForAudit({ model: `${folder}/${name}.onnx` });
    const { sites, misses } = load();
    expect(sites.map(line).sort(), JSON.stringify(misses)).toEqual(
      expected.sites.map((site) => line(site)).sort(),
    );
    for (const site of expected.sites) {
      if (!site.weights || site.noWeightsReason) continue;
      const found = sites.find(({ id }) => id === site.id)!;
      const wanted = site.weights.filter(
        ({ role }) => incoming.has(role) && !(site.id.includes('mlp_pre') && role === 'up'),
      );
      const got = found.weights
        .filter(({ role }) => incoming.has(role))
        .map(({ role, initializer, axis, first, bias }) => ({
          role,
          initializer,
          axis,
          first,
          bias: bias?.name ?? null,
        }));
      expect(got, site.id).toEqual(
        expect.arrayContaining(wanted.map(({ rows, ...weight }) => ({ ...weight, first: rows?.[0] ?? 0 }))),
      );
    }
  });
});
