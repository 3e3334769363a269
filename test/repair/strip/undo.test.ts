import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openModel } from '../../../src/onnx/skeleton.js';
import { type RecordParts, writeStripped } from '../../../src/repair/strip/output.js';
import type { StripRecord } from '../../../src/repair/strip/record.js';
import { undoStrip } from '../../../src/repair/strip/undo.js';
import { buildBytes } from '../../build.js';

const root = mkdtempSync(join(tmpdir(), 'audit-undo-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bytes = buildBytes({
  inputs: { x: ['float32', ['rows', 2]] },
  initializers: { w: ['float32', [2, 8], Array.from({ length: 16 }, (_, i) => i - 8)] },
  nodes: [['MatMul', ['x', 'w'], ['y']]],
  outputs: ['y'],
});

/** `model.onnx`, and `out.onnx` with its record, in which two weights are 0. */
async function stripped(in_ = mkdtempSync(join(root, 'm-'))) {
  const model = join(in_, 'model.onnx');
  const output = join(in_, 'out.onnx');
  writeFileSync(model, bytes);
  await writeStripped(openModel(model), { output }, parts(model));
  return { folder: in_, model, output, record: `${output}.strip.json` };
}

function parts(model: string): RecordParts {
  const { span } = openModel(model).proto.graph!.initializer[0]!;
  const patches = [0, 1].map((element) => ({
    file: span!.file,
    offsetBytes: span!.startBytes + 4 * element,
    before: new Uint8Array(new Float32Array([element - 8]).buffer),
    after: new Uint8Array(4),
  }));
  const change = { neuron: 0, round: 1, reason: 'dead', initializer: 'w', scope: '', elements: [0, 1] };
  return {
    tool: { name: 't', version: '0' },
    createdAt: '',
    options: { by: 'weight', fraction: 0.1, rounds: 1 },
    changes: [{ ...change, site: '0.mlp_post', patches }],
  };
}

function edit(path: string, change: (record: StripRecord) => void): void {
  const record = JSON.parse(readFileSync(path, 'utf8')) as StripRecord;
  change(record);
  writeFileSync(path, JSON.stringify(record));
}

const read = (path: string): Buffer => readFileSync(path);

describe('undoStrip', () => {
  test('restores the model and says how many weights', async () => {
    const { model, output, record } = await stripped();
    expect(read(output).equals(read(model))).toBe(false);
    expect((await undoStrip(output)).weights).toBe(2);
    expect(read(output).equals(read(model))).toBe(true);
    expect(existsSync(record)).toBe(false);
  });

  test('restores a model in a folder that a symbolic link leads to, changed in place', async () => {
    const folder = mkdtempSync(join(root, 'real-'));
    const link = `${folder}-link`;
    symlinkSync(folder, link);
    const model = join(link, 'model.onnx');
    writeFileSync(model, bytes);
    await writeStripped(openModel(model), { inPlace: true }, parts(model));
    expect(read(model).equals(Buffer.from(bytes))).toBe(false);
    await undoStrip(model);
    expect(read(model).equals(Buffer.from(bytes))).toBe(true);
  });
});

describe('a record does not belong', () => {
  test('to another model that it was copied beside, and the model that it names is left alone', async () => {
    const { folder, output, record } = await stripped();
    const other = join(folder, 'other.onnx');
    copyFileSync(record, `${other}.strip.json`);
    writeFileSync(other, 'mine');
    const before = read(output);
    await expect(undoStrip(other)).rejects.toThrow(
      /does not belong to `.*other\.onnx`: it is the record of `out\.onnx`/,
    );
    expect(read(output).equals(before)).toBe(true);
    expect(existsSync(`${other}.strip.json`)).toBe(true);
  });

  test('to a model in another folder that only has its name', async () => {
    const [first, second] = [await stripped(), await stripped()];
    const content = read(second.output);
    writeFileSync(second.output, content.fill(7, content.length - 4));
    copyFileSync(first.record, second.record);
    await expect(undoStrip(second.output)).rejects.toThrow(/the file has been changed since/);
  });

  test('to a file that a symbolic link leads to', async () => {
    const { folder, output } = await stripped();
    const outside = join(mkdtempSync(join(root, 'outside-')), 'victim.onnx');
    renameSync(output, outside);
    symlinkSync(outside, output);
    const before = read(outside);
    await expect(undoStrip(output)).rejects.toThrow(/a symbolic link leads to `.*victim\.onnx`/);
    expect(read(outside).equals(before)).toBe(true);
    // Nor through a folder.
    const [inner, far] = [join(folder, 'sub'), mkdtempSync(join(root, 'far-'))];
    const { record } = await stripped(far);
    symlinkSync(far, inner);
    copyFileSync(record, join(folder, 'out.onnx.strip.json'));
    edit(join(folder, 'out.onnx.strip.json'), ({ files }) => {
      files[0]!.name = 'sub/out.onnx';
    });
    await expect(undoStrip(output)).rejects.toThrow(/a symbolic link leads to/);
  });

  test('to a folder', async () => {
    const { output } = await stripped();
    rmSync(output);
    mkdirSync(output);
    await expect(undoStrip(output)).rejects.toThrow(/it is no file/);
  });
});

describe('a record that contradicts itself is refused before anything is written', () => {
  type Change = StripRecord['changes'][number];
  const changeWith =
    (part: Partial<Change>) =>
    ({ changes }: StripRecord): void => {
      Object.assign(changes[0]!, part);
    };
  test.each<[string, (record: StripRecord) => void, RegExp]>([
    ['no files', ({ files }) => files.splice(0), /files: .*>=1/],
    ['old bytes too short', changeWith({ before: 'AAA=' }), /`before` has 2 bytes, expected 8/],
    ['new bytes too long', changeWith({ after: 'A'.repeat(16) }), /`after` has 12 bytes, expected 8/],
    ['a file that is not listed', changeWith({ file: 3 }), /there is no file 3/],
    ['an offset after the end', changeWith({ offsets: [0, 1e9] }), /an offset lies outside `out\.onnx`/],
    ['fewer offsets than elements', changeWith({ offsets: [0] }), /2 elements have 1 offsets/],
    ['no width', changeWith({ width: 0 }), /width/],
    ['a file twice', ({ files }) => files.push(files[0]!), /a file is named twice/],
    [
      'old bytes that are not the original',
      changeWith({ before: `${'A'.repeat(11)}=` }),
      /would not be the original/,
    ],
  ])('%s', async (_name, change, message) => {
    const { output, record } = await stripped();
    const before = read(output);
    edit(record, change);
    await expect(undoStrip(output)).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(message),
    });
    expect(read(output).equals(before)).toBe(true);
    expect(existsSync(record)).toBe(true);
  });
});
