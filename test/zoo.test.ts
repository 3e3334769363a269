import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openAuditedFile } from '../src/measure/audited-model.js';
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
const cases = readdirSync(folder)
  .filter((name) => name.endsWith(suffix))
  .map((name) => name.slice(0, -suffix.length));

const incoming = new Set(['in', 'gate', 'up']);

function line({ id, neurons, activation }: Pick<Site, 'id' | 'neurons' | 'activation'>): string {
  return `${id} ${neurons} ${activation}`;
}

describe('the zoo', () => {
  test.each(cases)('%s: every site, its activation and the weights behind its neurons', async (name) => {
    const expected = JSON.parse(readFileSync(`${folder}/${name}${suffix}`, 'utf8')) as Expected;
    const { copy } = await openAuditedFile({ model: `${folder}/${name}.onnx` });
    const { sites, misses } = copy();
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

  test('gives one model the same ids whatever exporter wrote it, so that diff pairs all sites', async () => {
    const index = JSON.parse(readFileSync(`${folder}/index.json`, 'utf8')) as Record<
      string,
      { family: string; sites: number }
    >;
    const families = new Map<string, Map<string, string>>();
    for (const [file, { family, sites: count }] of Object.entries(index)) {
      // An export that failed is in the index too.
      if (!existsSync(`${folder}/${file}`)) continue;
      const { copy } = await openAuditedFile({ model: `${folder}/${file}` });
      const ids = copy()
        .sites.map(({ id }) => id)
        .sort()
        .join(' ');
      // An encoder or decoder in a file of its own has the sites of its half.
      const exports = families.get(`${family} of ${count} sites`) ?? new Map<string, string>();
      families.set(`${family} of ${count} sites`, exports.set(file, ids));
    }
    for (const [family, exports] of families) {
      expect(new Set(exports.values()).size, `${family}: ${[...exports.keys()].join(', ')}`).toBe(1);
    }
    expect([...families.values()].filter((exports) => exports.size > 1).length).toBeGreaterThan(10);
  });
});
