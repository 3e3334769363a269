import { appendFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkpointPattern } from '../../src/exporter/checkpoints.js';
import { findModelFile, scanModelFiles } from '../../src/exporter/model-files.js';
import { temporaryFolder } from './metrics/services.js';

let folder = '';
const put = (file: string, text = 'x') => {
  const path = join(folder, file);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
};

beforeEach(() => {
  folder = temporaryFolder();
});

describe('the models folder', () => {
  it('names a model by its path without the extension', async () => {
    put('gpt2/model.onnx');
    put('bert/onnx/model.onnx');
    put('bert/onnx/tokenizer.json');
    const found = await scanModelFiles(folder, null);
    expect(found.map(({ model }) => model)).toEqual(['bert/onnx/model', 'gpt2/model']);
  });

  it('leaves out hidden files and links that lead outside, and takes links inside', async () => {
    const outside = temporaryFolder();
    writeFileSync(join(outside, 'secret.onnx'), 'x');
    put('.hidden.onnx');
    put('.git/model.onnx');
    put('blobs/abc.onnx');
    symlinkSync(join(outside, 'secret.onnx'), join(folder, 'link.onnx'));
    symlinkSync(outside, join(folder, 'dir'));
    symlinkSync(join(folder, 'blobs/abc.onnx'), join(folder, 'inside.onnx'));
    symlinkSync(folder, join(folder, 'blobs/loop'));
    const found = await scanModelFiles(folder, null);
    expect(found.map(({ file }) => file)).toEqual(['blobs/abc.onnx', 'inside.onnx']);
  });

  it('sees a change of the file and of the external data beside it', async () => {
    put('m.onnx');
    put('m.onnx_data');
    const signature = async () => (await scanModelFiles(folder, null))[0]!.signature;
    const first = await signature();
    expect(await signature()).toBe(first);
    appendFileSync(join(folder, 'm.onnx_data'), 'y');
    const second = await signature();
    expect(second).not.toBe(first);
    put('m.onnx.strip.json');
    put('m.onnx2.onnx.part');
    expect(await signature()).toBe(second);
  });

  it('knows a file that was renamed into place from one that is being written', async () => {
    put('written.onnx');
    const temporary = put('renamed.onnx.part');
    await new Promise((resolve) => setTimeout(resolve, 20));
    renameSync(temporary, join(folder, 'renamed.onnx'));
    const found = await scanModelFiles(folder, null);
    expect(found.map(({ model, complete }) => [model, complete])).toEqual([
      ['renamed', true],
      ['written', false],
    ]);
  });

  it('that is not there is told in one sentence', async () => {
    await expect(scanModelFiles(join(folder, 'none'), null)).rejects.toThrow(
      /models folder .* cannot be read/,
    );
  });
});

describe('--checkpoints', () => {
  it('gives the files of a run one name, and each its step, in order', async () => {
    for (const step of [1000, 9, 200]) put(`runs/a-step-${step}.onnx`);
    put('runs/b.onnx');
    const found = await scanModelFiles(folder, checkpointPattern('<name>-step-<n>.onnx'));
    expect(found.map(({ model, step }) => [model, step])).toEqual([
      ['runs/a', 9],
      ['runs/a', 200],
      ['runs/a', 1000],
      ['runs/b', null],
    ]);
  });
});

describe('the model of a request', () => {
  it('is found by name or file, the latest checkpoint of a run', async () => {
    for (const step of [1, 3, 2]) put(`a-step-${step}.onnx`);
    const files = await scanModelFiles(folder, checkpointPattern('<name>-step-<n>.onnx'));
    expect(findModelFile(files, 'a').step).toBe(3);
    expect(findModelFile(files, 'a-step-2.onnx').step).toBe(2);
    expect(() => findModelFile(files, 'b')).toThrow(/There is no model `b`/);
  });

  it.each(['../x', 'a/../../x', '/etc/passwd', 'C:\\x', 'a\\..\\b', 'a\0'])(
    'is refused outside: %j',
    (asked) => {
      expect(() => findModelFile([], asked)).toThrow(/other places are not served/);
    },
  );
});
