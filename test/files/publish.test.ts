import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  promises as nodeFiles,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { FileSystem } from '../../src/files/atomic.js';
import { finishPublication, openStaging } from '../../src/files/publish.js';
import { temporaryName } from '../../src/files/temporary.js';

const root = mkdtempSync(join(tmpdir(), 'audit-publish-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const newFolder = (): string => mkdtempSync(join(root, 'f-'));

/** Number of no process. */
const GONE = 999_999_999;
const read = (path: string): string => readFileSync(path, 'utf8');

/** Stages files of the given contents, by path below the folder of `out.onnx`. */
async function staged(folder: string, contents: Record<string, string>, files?: FileSystem) {
  const staging = await openStaging(join(folder, 'out.onnx'), files);
  for (const [name, text] of Object.entries(contents)) writeFileSync(await staging.place(name), text);
  return staging;
}

/** The name that another process of this machine would take. */
const nameOf = (folder: string, suffix: string, processId = GONE): string =>
  temporaryName(join(folder, 'out.onnx'), suffix)
    .replace(`-${process.pid}-`, `-${processId}-`)
    .replace(/\w{8}(-\d+\.\w+)$/, '0123abcd$1');

/** What a process leaves that is killed after it has committed. */
function committed(folder: string, contents: Record<string, string>, processId = GONE): string {
  const left = nameOf(folder, 'publish', processId);
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(join(left, name, '..'), { recursive: true });
    writeFileSync(join(left, name), text);
  }
  return left;
}

describe('a staging folder', () => {
  test('gives its files their names together, those in folders too, over what was there', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'out.onnx'), 'old');
    const staging = await staged(folder, { 'out.onnx': 'new', 'out.onnx.data': 'data', 'sub/a.bin': 'a' });
    expect(read(join(folder, 'out.onnx'))).toBe('old');
    expect(existsSync(join(folder, 'sub'))).toBe(false);
    await staging.publish();
    expect(readdirSync(folder).sort()).toEqual(['out.onnx', 'out.onnx.data', 'sub']);
    expect(['out.onnx', 'out.onnx.data', 'sub/a.bin'].map((name) => read(join(folder, name)))).toEqual([
      'new',
      'data',
      'a',
    ]);
  });

  test('leaves nothing when it is discarded', async () => {
    const folder = newFolder();
    await (await staged(folder, { 'out.onnx': 'new' })).discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('removes the record of an earlier output, but for a record of its own', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'out.onnx.strip.json'), 'old');
    await (await staged(folder, { 'out.onnx': '', 'out.onnx.strip.json': 'new' })).publish();
    expect(read(join(folder, 'out.onnx.strip.json'))).toBe('new');
    await (await staged(folder, { 'out.onnx': '' })).publish();
    expect(readdirSync(folder)).toEqual(['out.onnx']);
  });

  test('holds no file from outside the folder of the output', async () => {
    const staging = await openStaging(join(newFolder(), 'out.onnx'));
    await expect(staging.place('../elsewhere')).rejects.toThrow(/is not below/);
    await staging.discard();
  });

  test('works through a symbolic link to the folder', async () => {
    const folder = newFolder();
    const link = `${folder}-link`;
    symlinkSync(folder, link);
    const staging = await openStaging(join(link, 'out.onnx'));
    writeFileSync(await staging.place(join(folder, 'out.onnx')), 'new');
    await staging.publish();
    expect(readdirSync(folder)).toEqual(['out.onnx']);
  });

  test('takes the old model away before new weights come, never the other way round', async () => {
    const folder = newFolder();
    await (await staged(folder, { 'out.onnx': 'old', 'out.onnx.data': 'old' })).publish();
    const seen: string[] = [];
    const rename = async (from: string, to: string) => {
      await nodeFiles.rename(from, to);
      const [model, data] = ['out.onnx', 'out.onnx.data'].map((name) => join(folder, name));
      seen.push(`${existsSync(model!) ? read(model!) : 'none'} ${read(data!)}`);
    };
    const files = { ...nodeFiles, rename } as unknown as FileSystem;
    await (await staged(folder, { 'out.onnx': 'new', 'out.onnx.data': 'new' }, files)).publish();
    expect(seen).toEqual(['old old', 'none new', 'new new']);
  });
});

describe('finishPublication', () => {
  test('moves what a killed process has committed, and what is not committed is removed by the next one', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'out.onnx'), 'old');
    committed(folder, { 'out.onnx': 'new', 'sub/a.bin': 'a' });
    mkdirSync(nameOf(folder, 'tmp'));
    await finishPublication(join(folder, 'out.onnx'));
    expect(read(join(folder, 'out.onnx'))).toBe('new');
    expect(read(join(folder, 'sub/a.bin'))).toBe('a');
    await (await openStaging(join(folder, 'out.onnx'))).discard();
    expect(readdirSync(folder).sort()).toEqual(['out.onnx', 'sub']);
  });

  test('goes on where another was killed in the middle', async () => {
    const folder = newFolder();
    const left = committed(folder, { 'out.onnx': 'new', 'out.onnx.data': 'new' });
    renameSync(join(left, 'out.onnx.data'), join(folder, 'out.onnx.data'));
    await finishPublication(join(folder, 'out.onnx'));
    expect(readdirSync(folder).sort()).toEqual(['out.onnx', 'out.onnx.data']);
  });

  test('leaves a running process alone, but for a number that a new process has', async () => {
    const folder = newFolder();
    const left = committed(folder, { 'out.onnx': 'new' }, process.ppid);
    await finishPublication(join(folder, 'out.onnx'));
    expect(existsSync(left)).toBe(true);
    const files = { ...nodeFiles, stat: async () => ({ ctimeMs: Date.now() - 61_000 }) };
    await finishPublication(join(folder, 'out.onnx'), files as unknown as FileSystem);
    expect(readdirSync(folder)).toEqual(['out.onnx']);
  });

  test('touches nothing of another model, and does nothing in a folder that is not there', async () => {
    const folder = newFolder();
    committed(folder, { 'out.onnx': 'new' });
    const before = readdirSync(folder);
    await finishPublication(join(folder, 'other.onnx'));
    await finishPublication(join(folder, 'none', 'out.onnx'));
    expect(readdirSync(folder)).toEqual(before);
  });

  test('says in a sentence that the files cannot be moved', async () => {
    const folder = newFolder();
    committed(folder, { 'out.onnx': 'new' });
    const readOnly = Object.assign(new Error('no'), { code: 'EROFS' });
    const files = { ...nodeFiles, rename: () => Promise.reject(readOnly) } as unknown as FileSystem;
    await expect(finishPublication(join(folder, 'out.onnx'), files)).rejects.toMatchObject({
      code: 'publication-unfinished',
      message: expect.stringMatching(/was interrupted after its files were complete.*read-only/),
    });
  });
});
