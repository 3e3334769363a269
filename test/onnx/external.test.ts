import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.js';
import { openModel } from '../../src/onnx/skeleton.js';
import { readNumbers } from '../../src/onnx/tensors.js';
import { buildModel } from '../build.js';
import { emptyTensor } from './messages.js';

const numbers = Float32Array.of(1, 2, 3, 4);
const payload = new Uint8Array(numbers.buffer);

function model(entries: Record<string, string>): Uint8Array {
  const proto = buildModel({ nodes: [['Identity', ['w'], ['y']]], outputs: ['y'] });
  proto.graph!.initializer = [
    {
      ...emptyTensor,
      name: 'w',
      dataType: 1,
      dims: [4n],
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value, unknown: [] })),
    },
  ];
  return encodeModel(proto);
}

const fresh = () => realpathSync(mkdtempSync(join(tmpdir(), 'audit-external-')));

/** A folder with `model.onnx` and the given other files; the path of the model. */
function place(entries: Record<string, string>, files: Record<string, Uint8Array> = {}): string {
  const folder = fresh();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const path = join(folder, 'model.onnx');
  writeFileSync(path, model(entries));
  return path;
}

const weights = (path: string) => Array.from(readNumbers(openModel(path).proto.graph!.initializer[0]!));

describe('external data', () => {
  it.each([
    ['offset and length', { location: 'w.bin', offset: '4', length: '16' }, 4],
    ['no offset', { location: 'w.bin', length: '16' }, 0],
    ['no length', { location: 'w.bin', offset: '8' }, 8],
    ['a location alone', { location: 'w.bin' }, 0],
    ['a checksum, which is ignored', { location: 'w.bin', checksum: 'abc' }, 0],
  ])('is found with %s', (_, entries, offset) => {
    const path = place(entries, { 'w.bin': Buffer.concat([Buffer.alloc(offset), payload, Buffer.alloc(3)]) });
    expect(weights(path)).toEqual([1, 2, 3, 4]);
    const { span } = openModel(path).proto.graph!.initializer[0]!;
    expect(span).toEqual({ file: join(dirname(path), 'w.bin'), startBytes: offset, endBytes: offset + 16 });
  });

  it('is found in a folder below, and the common folder holds all files', () => {
    const path = place({ location: 'data/w.bin' }, { 'data/w.bin': payload });
    expect(openModel(path)).toMatchObject({
      folder: dirname(path),
      files: [{}, { name: 'data/w.bin', bytes: 16 }],
    });
  });

  it('is found in a hub cache, where both files are links to blobs elsewhere', () => {
    const cache = fresh();
    const snapshot = join(cache, 'snapshots', 'abc', 'onnx');
    mkdirSync(snapshot, { recursive: true });
    mkdirSync(join(cache, 'blobs'));
    writeFileSync(join(cache, 'blobs', '111'), model({ location: 'model.onnx_data' }));
    writeFileSync(join(cache, 'blobs', '222'), payload);
    symlinkSync('../../../blobs/111', join(snapshot, 'model.onnx'));
    symlinkSync('../../../blobs/222', join(snapshot, 'model.onnx_data'));
    const opened = openModel(join(snapshot, 'model.onnx'));
    expect(opened.files.map(({ path, name }) => [path, name])).toEqual([
      [join(cache, 'blobs', '111'), 'model.onnx'],
      [join(cache, 'blobs', '222'), 'model.onnx_data'],
    ]);
    expect(opened.folder).toBe(join(cache, 'blobs'));
    expect(opened.path).toBe(join(snapshot, 'model.onnx'));
    expect(weights(join(snapshot, 'model.onnx'))).toEqual([1, 2, 3, 4]);
  });

  it('may lie in the model file itself, or have two names: each file is listed once', () => {
    const path = place({ location: './w.bin' }, { 'w.bin': payload });
    expect(openModel(path).files.map((file) => file.name)).toEqual(['model.onnx', './w.bin']);
    const own = place({ location: 'model.onnx', length: '16' });
    expect(openModel(own).files.map((file) => file.name)).toEqual(['model.onnx']);
  });

  it('is found beside the target of a linked model', () => {
    const path = place({ location: 'w.bin' }, { 'w.bin': payload });
    const link = join(fresh(), 'linked.onnx');
    symlinkSync(path, link);
    expect(weights(link)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['an absolute path', '/etc/hostname', /is at the absolute path `\/etc\/hostname`/],
    ['a Windows path', 'C:\\w.bin', /absolute path/],
    ['a path through ..', '../w.bin', /leaves the model's folder/],
    ['a path through .. further down', 'a/../../w.bin', /leaves the model's folder/],
    ['a path through .. with backslashes', 'a\\..\\..\\w.bin', /leaves the model's folder/],
    ['a missing file', 'gone.bin', /is missing: expected `gone\.bin` beside `model\.onnx`/],
    ['a folder', 'folder', /which is no file/],
    ['nothing', '', /has no location/],
    ['a location with a zero byte', 'a\0b', /absolute path/],
  ])('at %s is refused', (_, location, message) => {
    const path = place({ location }, { 'folder/x': payload });
    expect(() => openModel(path)).toThrow(
      expect.objectContaining({ name: 'UserError', message: expect.stringMatching(message) }),
    );
    expect(() => openModel(path)).toThrow(/external data of tensor `w`/);
  });

  it('at a link that leads out of the model’s folder is refused', () => {
    const outside = join(fresh(), 'secret');
    writeFileSync(outside, payload);
    const path = place({ location: 'w.bin' });
    symlinkSync(outside, join(dirname(path), 'w.bin'));
    expect(() => openModel(path)).toThrow(/a symbolic link that leads out of the model's folder/);
  });

  it('in a folder whose name merely begins like the model’s is refused', () => {
    const path = place({ location: 'w.bin' });
    mkdirSync(`${dirname(path)}-other`);
    writeFileSync(`${dirname(path)}-other/w.bin`, payload);
    symlinkSync(`${dirname(path)}-other/w.bin`, join(dirname(path), 'w.bin'));
    expect(() => openModel(path)).toThrow(/leads out of the model's folder/);
  });

  it.each([
    [
      'too short a file',
      { location: 'w.bin', offset: '1' },
      /ends at byte 17 of `w\.bin`, which has only 16 bytes/,
    ],
    [
      'a length that is not the dimensions’',
      { location: 'w.bin', length: '12' },
      /has 12 bytes by its length, expected 16 bytes/,
    ],
    [
      'a negative offset',
      { location: 'w.bin', offset: '-4' },
      /has the offset `-4`; expected a whole number/,
    ],
    [
      'an offset beyond 2^53',
      { location: 'w.bin', offset: '99999999999999999999' },
      /expected a whole number/,
    ],
    ['a length that is no number', { location: 'w.bin', length: 'all' }, /has the length `all`/],
  ])('with %s is refused', (_, entries, message) => {
    const path = place(entries as Record<string, string>, { 'w.bin': payload });
    expect(() => openModel(path)).toThrow(
      expect.objectContaining({ name: 'UserError', message: expect.stringMatching(message) }),
    );
  });
});
