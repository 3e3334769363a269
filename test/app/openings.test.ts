import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';

/** Calls of what a command should do once. */
const calls = vi.hoisted(() => ({ openModel: 0, findSites: 0, findActivations: 0, openData: 0 }));

vi.mock('../../src/onnx/skeleton.js', counting('openModel'));
vi.mock('../../src/sites/find.js', counting('findSites'));
vi.mock('../../src/patterns/activations.js', counting('findActivations'));
vi.mock('../../src/data/open.js', counting('openData'));

/** A module of which one function counts its calls. */
function counting(name: keyof typeof calls) {
  return async (original: () => Promise<Record<string, unknown>>) => {
    const module = await original();
    const real = module[name] as (...rest: unknown[]) => unknown;
    return {
      ...module,
      [name]: (...rest: unknown[]) => {
        calls[name]++;
        return real(...rest);
      },
    };
  };
}

const { audit } = await import('../../src/app/audit.js');
const { strip } = await import('../../src/repair/strip/strip.js');
const { flip } = await import('../../src/repair/flip/flip.js');
const { swap } = await import('../../src/repair/swap/swap.js');
const { prune } = await import('../../src/repair/prune/prune.js');

const gpt2 = { model: 'models/gpt2-relu/model.onnx', tokens: 256, threads: 1, hash: false };
const mlp = { model: 'models/mlp/model.onnx', data: 'models/mlp/inputs.npz', threads: 1 };

beforeEach(() => {
  for (const name of Object.keys(calls) as (keyof typeof calls)[]) calls[name] = 0;
});

describe('a command opens its model, its data and its patterns once', () => {
  test('audit, also when it checks the outputs', async () => {
    await audit({ ...gpt2, checkOutputs: true });
    expect(calls).toEqual({ openModel: 1, findSites: 1, findActivations: 1, openData: 1 });
  });

  test('strip, whatever the number of rounds, with input means and quality', async () => {
    const report = await strip({ ...gpt2, to: null, by: 'contribution', rounds: 3 });
    expect(report.rounds.length).toBeGreaterThan(1);
    expect(calls).toEqual({ openModel: 1, findSites: 1, findActivations: 1, openData: 1 });
  });

  test('flip', async () => {
    await flip({ ...mlp, to: null });
    expect(calls).toEqual({ openModel: 1, findSites: 1, findActivations: 1, openData: 1 });
  });

  test('swap, but for one more search of the activation functions that it replaces', async () => {
    await swap({ ...gpt2, to: ['relu', 'gelu', 'silu'] });
    expect(calls).toMatchObject({ openModel: 1, findSites: 1, openData: 1 });
    expect(calls.findActivations).toBeLessThanOrEqual(2);
  });

  test('prune, and once more the smaller model that it checks', async () => {
    const output = join(mkdtempSync(join(tmpdir(), 'audit-openings-')), 'small.onnx');
    await prune({ ...mlp, output, yes: true });
    expect(calls).toMatchObject({ openModel: 2, findSites: 2, openData: 1 });
  });
});
