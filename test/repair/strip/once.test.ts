import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { openModel } from '../../../src/onnx/skeleton.js';
import { findActivations } from '../../../src/patterns/activations.js';
import { flip } from '../../../src/repair/flip/flip.js';
import { strip } from '../../../src/repair/strip/strip.js';
import { swap } from '../../../src/repair/swap/swap.js';

// The functions run as they are; only their calls are counted.
vi.mock(import('../../../src/onnx/skeleton.js'), async (original) => {
  const module = await original();
  return { ...module, openModel: vi.fn(module.openModel) };
});
vi.mock(import('../../../src/patterns/activations.js'), async (original) => {
  const module = await original();
  return { ...module, findActivations: vi.fn(module.findActivations) };
});

const folder = mkdtempSync(join(tmpdir(), 'audit-once-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => vi.clearAllMocks());

const mlp = { model: 'models/mlp/model.onnx', data: 'models/mlp/inputs.npz' };
const few = { ...mlp, threads: 1, device: 'cpu' } as const;
const calls = () => ({
  opened: vi.mocked(openModel).mock.calls.length,
  searched: vi.mocked(findActivations).mock.calls.length,
});

it('a strip of several rounds opens the model once and searches its patterns once', async () => {
  const report = await strip({
    ...few,
    to: { output: join(folder, 'out.onnx') },
    rounds: 3,
    by: 'contribution',
  });
  expect(report.rounds.length).toBeGreaterThan(1);
  expect(calls()).toEqual({ opened: 1, searched: 1 });
}, 60_000);

it('a flip opens the model once and searches its patterns once', async () => {
  await flip({ ...few, to: null });
  expect(calls()).toEqual({ opened: 1, searched: 1 });
}, 60_000);

it('a swap opens the model once; its own search of the activation functions is the second one, however many are tried', async () => {
  await swap({ ...few, to: ['relu', 'gelu', 'silu'] });
  expect(calls()).toEqual({ opened: 1, searched: 2 });
}, 60_000);
