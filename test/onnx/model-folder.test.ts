import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openModel } from '../../src/onnx/skeleton.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-model-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What opening a folder with these files says. */
function refusal(...names: string[]): string {
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), '');
  }
  try {
    openModel(folder);
  } catch (error) {
    return (error as Error).message.replaceAll(folder, 'F');
  }
  throw new Error('the folder was opened');
}

describe('a folder in place of a model', () => {
  it('gets the name of the model in it', () => {
    expect(refusal('config.json', 'model.onnx')).toBe(
      'Expected a model file, found the folder `F`: name the model in it, `F/model.onnx`.',
    );
  });

  it('gets the names of the models in it, those of a hub included', () => {
    expect(refusal('a.onnx', 'onnx/model.onnx')).toMatch(
      /name one of `F\/a\.onnx`, `F\/onnx\/model\.onnx`\.$/,
    );
    expect(refusal(...'bcdefgh'.split('').map((name) => `${name}.onnx`))).toMatch(/, … \(9 in all\)\.$/);
  });

  it.each([
    [
      ['model-00001-of-00002.safetensors'],
      /weights without a graph; .*`optimum-cli export onnx --model F F-onnx`\.$/,
    ],
    [['saved_model.pb'], /a TensorFlow SavedModel; convert it first, .*`python -m tf2onnx\.convert /],
    [['model.pt'], /`model\.pt`, a checkpoint; export the model to ONNX first/],
    [['notes.txt'], /: it holds no \.onnx file\.$/],
  ])('with %j is told how to make one', (names, message) => {
    expect(refusal(...names)).toMatch(message);
  });
});
