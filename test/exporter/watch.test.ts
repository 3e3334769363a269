import { describe, expect, it } from 'vitest';
import type { ModelFile } from '../../src/exporter/model-files.js';
import { type WatchOptions, watcher } from '../../src/exporter/watch.js';

const file = (model: string, more: Partial<ModelFile> = {}): ModelFile => ({
  file: `${model}${more.step === undefined ? '' : `-${more.step}`}.onnx`,
  path: `/models/${model}.onnx`,
  model,
  step: null,
  bytes: 10,
  signature: 'one',
  changedAt: 0,
  complete: false,
  ...more,
});

function setup(more: Partial<WatchOptions> = {}) {
  const asked: string[] = [];
  const { look } = watcher({
    watch: true,
    everySeconds: null,
    settleSeconds: 2,
    auditedAt: () => null,
    audit: ({ file }, trigger) => void asked.push(`${trigger} ${file}`),
    ...more,
  });
  return { asked, look };
}

describe('--watch', () => {
  it('audits a file once it has not changed for a while', () => {
    const { asked, look } = setup();
    look([file('a', { signature: '1' })], 0);
    look([file('a', { signature: '2' })], 1000);
    look([file('a', { signature: '2' })], 2900);
    expect(asked).toEqual([]);
    look([file('a', { signature: '2' })], 3000);
    look([file('a', { signature: '2' })], 9000);
    expect(asked).toEqual(['watch a.onnx']);
  });

  it('audits a file that was renamed into place at once', () => {
    const { asked, look } = setup();
    look([file('a', { complete: true })], 0);
    expect(asked).toEqual(['watch a.onnx']);
  });

  it('audits a changed file again, and one that came back', () => {
    const { asked, look } = setup({ settleSeconds: 0 });
    look([file('a')], 0);
    look([file('a', { signature: 'two' })], 1000);
    look([], 2000);
    look([file('a', { signature: 'two' })], 3000);
    expect(asked).toHaveLength(3);
  });

  it('leaves alone what a stored report is about', () => {
    const { asked, look } = setup({ settleSeconds: 0, auditedAt: () => 5 });
    look([file('a')], 10);
    expect(asked).toEqual([]);
  });

  it('audits every checkpoint of a run', () => {
    const { asked, look } = setup({ settleSeconds: 0 });
    look(
      [1, 2, 3].map((step) => file('run', { step })),
      0,
    );
    expect(asked).toEqual(['watch run-1.onnx', 'watch run-2.onnx', 'watch run-3.onnx']);
  });
});

describe('--every', () => {
  it('audits again when the time is over, of a run only the last checkpoint', () => {
    const { asked, look } = setup({ everySeconds: 60, auditedAt: () => 0 });
    const files = [1, 2].map((step) => file('run', { step, complete: true }));
    look(files, 59_000);
    expect(asked).toEqual([]);
    look(files, 60_000);
    look(files, 61_000);
    expect(asked).toEqual(['schedule run-2.onnx']);
    look(files, 120_000);
    expect(asked).toHaveLength(2);
  });

  it('audits what was never audited, also without --watch', () => {
    const { asked, look } = setup({ watch: false, everySeconds: 60, settleSeconds: 0 });
    look([file('a')], 0);
    expect(asked).toEqual(['schedule a.onnx']);
  });

  it('is not needed: without both nothing is audited by itself', () => {
    const { asked, look } = setup({ watch: false, settleSeconds: 0 });
    look([file('a')], 0);
    expect(asked).toEqual([]);
  });
});
