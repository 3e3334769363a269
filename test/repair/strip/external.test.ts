import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  promises as nodeFiles,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FileSystem } from '../../../src/files/atomic.js';
import { cloneFile } from '../../../src/files/clone.js';
import { openAuditedFile } from '../../../src/measure/audited-model.js';
import type { NdArray } from '../../../src/onnx/array.js';
import { encodeModel } from '../../../src/onnx/encode.js';
import { relocate } from '../../../src/onnx/relocate.js';
import { openModel } from '../../../src/onnx/skeleton.js';
import type { TensorProto } from '../../../src/onnx/types.js';
import { allTensors } from '../../../src/onnx/walk.js';
import { encodeOverlay } from '../../../src/probe/overlay.js';
import { type RecordParts, writeStripped } from '../../../src/repair/strip/output.js';
import { readStripRecord } from '../../../src/repair/strip/record.js';
import { type StripOptions, strip } from '../../../src/repair/strip/strip.js';
import { undoStrip } from '../../../src/repair/strip/undo.js';
import { openSession } from '../../../src/runtime/session.js';
import { buildModel, type TensorSpec } from '../../build.js';

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const sources = ['models/variants/gpt2-ext/model.onnx', 'models/zoo/files/gpt2-ts17ext.onnx'];
const small = sources[1]!;

/** A model with its external data in a folder of its own, and where an output beside it goes. */
function newModel(source: string) {
  const folder = mkdtempSync(join(tmpdir(), 'audit-external-'));
  const [model, data] = [source, `${source}.data`].map((path) => {
    copyFileSync(path, join(folder, basename(path)));
    return join(folder, basename(path));
  });
  const output = join(folder, 'out.onnx');
  return {
    folder,
    model: model!,
    data: data!,
    output,
    copy: `${output}.data`,
    record: `${output}.strip.json`,
  };
}

const stripped = (options: Pick<StripOptions, 'model' | 'to'>) =>
  strip({
    threshold: 0.2,
    deadBelow: 0.5,
    tokens: 512,
    data: 'random',
    seqLen: 16,
    threads: 1,
    device: 'cpu',
    ...options,
  });

/** Logits and the activations of the first MLP, [8, neurons], for some tokens. */
async function outputsOf(model: string): Promise<{ logits: NdArray['data']; post: NdArray['data'] }> {
  const { opened, copy: load } = await openAuditedFile({ model });
  const { model: graph, sites } = load();
  const site = sites.find(({ id }) => id === '0.mlp_post')!;
  const feeds: Record<string, NdArray> = {};
  for (const { name } of graph.graph.inputs) {
    const data = BigInt64Array.from({ length: 8 }, (_, i) => (name.includes('mask') ? 1n : BigInt(i)));
    feeds[name] = { type: 'int64', dims: [1, 8], data };
  }
  const logits = graph.graph.outputs[0]!.name;
  graph.graph.addOutput(site.value);
  const bytes = encodeOverlay(graph, opened.folder);
  const session = await openSession({ model: bytes, folder: opened.folder, device: 'cpu', threads: 1 });
  const results = await session.run({ feeds, fetch: [logits, site.value.name] });
  await session.dispose();
  return { logits: results[logits]!.data, post: results[site.value.name]!.data };
}

/** Opens the file as it is: ONNX Runtime itself finds the external data. */
async function loads(model: string): Promise<void> {
  const options = { folder: dirname(model), device: 'cpu', threads: 1 } as const;
  await (await openSession({ model: readFileSync(model), ...options })).dispose();
}

describe.each(sources)('%s stripped into its own folder', (source) => {
  test('reads a changed copy of its data under a new name; undone it is the original', async () => {
    const { folder, model, data, output, copy, record } = newModel(source);
    const original = [sha256(model), sha256(data)];
    const report = await stripped({ model, to: { output } });
    expect(report.summary.weights).toBeGreaterThan(0);
    expect([sha256(model), sha256(data)]).toEqual(original);
    expect(readdirSync(folder).sort()).toEqual([model, data, output, copy, record].map(named).sort());

    // The copy differs in the recorded bytes alone.
    const { files, changes, relocated } = await readStripRecord(record);
    expect(relocated).toEqual([{ from: named(data), to: 'out.onnx.data' }]);
    expect(files.map(({ name }) => name)).toEqual(['out.onnx', 'out.onnx.data']);
    expect(files[1]!.sha256).toEqual({ before: original[1], after: sha256(copy) });
    expect(files[0]!.sha256).toEqual({ before: sha256(output), after: sha256(output) });
    expect(changes.every(({ file }) => file === 1)).toBe(true);
    const recorded = new Set(
      changes.flatMap(({ offsets, width }) =>
        offsets.flatMap((at) => [...Array(width).keys()].map((i) => at + i)),
      ),
    );
    const [was, is] = [readFileSync(data), readFileSync(copy)];
    expect(is.length).toBe(was.length);
    expect([...was.keys()].every((i) => was[i] === is[i] || recorded.has(i))).toBe(true);

    // The model differs in the locations alone, and everything is read from the copy.
    const opened = openModel(output);
    expect(opened.files.map(({ name }) => name)).toEqual(['out.onnx', 'out.onnx.data']);
    const back = await locatedAgain(output, new Map([['out.onnx.data', named(data)]]));
    expect(back.equals(readFileSync(model))).toBe(true);

    // All other neurons are bit-identical.
    const changed = new Set(changes.filter(({ site }) => site === '0.mlp_post').map(({ neuron }) => neuron));
    const [before, after] = [await outputsOf(model), await outputsOf(output)];
    const neurons = before.post.length / 8;
    expect(changed.size).toBeGreaterThan(0);
    expect(changed.size).toBeLessThan(neurons);
    for (let i = 0; i < before.post.length; i++) {
      if (!changed.has(i % neurons)) expect(before.post[i]).toBe(after.post[i]);
    }
    expect(before.post).not.toEqual(after.post);

    // Undone, data and outputs are the original's.
    const restored = await undoStrip(output);
    expect(restored.files.map(({ name }) => name)).toEqual(['out.onnx', 'out.onnx.data']);
    expect(sha256(copy)).toBe(original[1]);
    expect(
      (await locatedAgain(output, new Map([['out.onnx.data', named(data)]]))).equals(readFileSync(model)),
    ).toBe(true);
    expect(existsSync(record)).toBe(false);
    expect(await outputsOf(output)).toEqual(before);
    expect([sha256(model), sha256(data)]).toEqual(original);
  });
});

describe('the name of the copy', () => {
  test('stays the same the second time, and is another where somebody else has it', async () => {
    const { folder, model, data, output, copy, record } = newModel(small);
    await stripped({ model, to: { output } });
    const made = [output, copy].map(sha256);
    await stripped({ model, to: { output } });
    expect([output, copy].map(sha256)).toEqual(made);
    expect(readdirSync(folder)).toHaveLength(5);
    // Another output whose copy would have the name of a file, or of a link that leads nowhere or out of the folder.
    const outside = join(mkdtempSync(join(tmpdir(), 'audit-outside-')), 'file');
    writeFileSync(outside, 'mine');
    const other = join(folder, 'other.onnx');
    writeFileSync(`${other}.data`, 'mine');
    symlinkSync(outside, `${other}.1.data`);
    symlinkSync(join(folder, 'nothing'), `${other}.2.data`);
    await stripped({ model, to: { output: other } });
    expect(openModel(other).files[1]!.name).toBe('other.onnx.3.data');
    expect(sha256(`${other}.3.data`)).toBe(made[1]);
    expect([`${other}.data`, outside].map((path) => readFileSync(path, 'utf8'))).toEqual(['mine', 'mine']);
    // Without its record a copy is nobody's.
    rmSync(record);
    await stripped({ model, to: { output } });
    expect(openModel(output).files[1]!.name).toBe('out.onnx.1.data');
    expect(sha256(copy)).toBe(made[1]);
    expect(existsSync(data)).toBe(true);
  });

  test('is never that of data the input itself reads', async () => {
    const { folder, model, output, copy } = newModel(small);
    await stripped({ model, to: { output } });
    const before = sha256(copy);
    // Reads out.onnx.data, which by the record belongs to out.onnx.
    const user = join(folder, 'user.onnx');
    copyFileSync(output, user);
    await stripped({ model: user, to: { output } });
    expect(sha256(copy)).toBe(before);
    expect(openModel(output).files[1]!.name).toBe('out.onnx.1.data');
  });

  test.each(['a\\..\\b.onnx', 'c:out.onnx'])(
    'never leads out of the folder: `%s` is refused',
    async (name) => {
      const { folder, model } = newModel(small);
      const files = readdirSync(folder);
      await expect(stripped({ model, to: { output: join(folder, name) } })).rejects.toMatchObject({
        code: 'output-name',
      });
      expect(readdirSync(folder)).toEqual(files);
    },
  );

  test('of a record that names files outside the folder is not written over', async () => {
    const { folder, model, output, record } = newModel(small);
    await stripped({ model, to: { output } });
    const outside = join(folder, '..', `${named(folder)}.data`);
    writeFileSync(outside, 'mine');
    const crafted = readFileSync(record, 'utf8').replaceAll('"out.onnx.data"', `"../${named(outside)}"`);
    writeFileSync(record, crafted);
    await expect(undoStrip(output)).rejects.toThrow(/outside its folder/);
    await stripped({ model, to: { output } });
    expect(readFileSync(outside, 'utf8')).toBe('mine');
    expect(openModel(output).files[1]!.name).toBe('out.onnx.1.data');
    rmSync(outside);
  });
});

/** Four bytes changed in the middle of the largest tensor of each file. */
function inverted(model: string, mask = 255): RecordParts {
  const { proto, files } = openModel(model);
  const size = ({ span }: TensorProto) => span!.endBytes - span!.startBytes;
  const changes = files.flatMap(({ path }, neuron) => {
    const [tensor] = [...allTensors(proto)]
      .filter(({ span }) => span?.file === path)
      .sort((a, b) => size(b) - size(a));
    if (!tensor) return [];
    const offsetBytes = tensor.span!.startBytes + (size(tensor) >> 1);
    const before = Uint8Array.from(readFileSync(path).subarray(offsetBytes, offsetBytes + 4));
    return {
      site: '0.mlp_post',
      neuron,
      round: 1,
      reason: 'dead',
      initializer: tensor.name ?? '',
      scope: '',
      elements: [0],
      patches: [{ file: path, offsetBytes, before, after: before.map((byte) => byte ^ mask) }],
    };
  });
  return {
    tool: { name: 't', version: '0' },
    createdAt: '',
    options: { by: 'weight', fraction: 0.1, rounds: 1 },
    changes,
  };
}

const bytesOf = ({ span, rawData }: TensorProto): Buffer | null =>
  span
    ? readFileSync(span.file).subarray(span.startBytes, span.endBytes)
    : rawData
      ? Buffer.from(rawData)
      : null;

describe('inline and external weights', () => {
  test('are changed where they come to lie, and no tensor else', async () => {
    const { model, data, output, copy } = newModel(small);
    const parts = inverted(model);
    await writeStripped(openModel(model), { output }, parts);
    const [was, is] = [model, output].map((path) => [...allTensors(openModel(path).proto)]);
    const names = was!.flatMap((tensor, i) => (same(bytesOf(tensor), bytesOf(is![i]!)) ? [] : [tensor.name]));
    expect(names.sort()).toEqual(parts.changes.map(({ initializer }) => initializer).sort());
    await undoStrip(output);
    expect(sha256(copy)).toBe(sha256(data));
    const back = await locatedAgain(output, new Map([['out.onnx.data', named(data)]]));
    expect(back.equals(readFileSync(model))).toBe(true);
    await loads(output);
  });

  test('fail all or none, and leave an earlier output as it was', async () => {
    const { folder, model, output } = newModel(small);
    const failing = (step: 'open' | 'copyFile' | 'rename') => {
      const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
      const files = { ...nodeFiles, [step]: () => Promise.reject(full) } as unknown as FileSystem;
      return writeStripped(openModel(model), { output }, inverted(model), { files });
    };
    for (const step of ['open', 'copyFile', 'rename'] as const) {
      await expect(failing(step)).rejects.toThrow(/no space is left/);
      expect(readdirSync(folder)).toHaveLength(2);
    }
    await stripped({ model, to: { output } });
    const before = readdirSync(folder).map((name) => [name, sha256(join(folder, name))]);
    for (const step of ['open', 'copyFile'] as const) {
      await expect(failing(step)).rejects.toThrow(/no space is left/);
      expect(readdirSync(folder).map((name) => [name, sha256(join(folder, name))])).toEqual(before);
    }
    await undoStrip(output);
  });

  test('killed at any call have no name before they are whole, and the next run completes them', async () => {
    const { folder, model, output, copy } = newModel(small);
    const [parts, other] = [inverted(model), inverted(model, 1)];
    const write = async (of: RecordParts) => {
      await writeStripped(openModel(model), { output }, of);
      return [output, copy].map(sha256);
    };
    const [old, whole] = [await write(other), await write(parts)];
    expect(old.filter((sum) => whole.includes(sum))).toEqual([]);
    for (const earlier of [false, true]) {
      let calls = 0;
      for (let done = false; !done; calls++) {
        for (const path of [output, copy, `${output}.strip.json`]) rmSync(path, { force: true });
        if (earlier) await write(other);
        const { files, stopped } = stopping(calls);
        const writing = writeStripped(openModel(model), { output }, parts, { files });
        done = await Promise.race([writing.then(() => true), stopped.then(() => false)]);
        // The old pair, the new one, or data without a model: never old weights in a new model, or new ones in an old.
        if (existsSync(output)) {
          expect([...(earlier ? [old] : []), whole]).toContainEqual([output, copy].map(sha256));
        }
        if (existsSync(copy)) expect([old[1], whole[1]]).toContain(sha256(copy));
      }
      expect(calls).toBeGreaterThan(8);
      expect(await write(parts)).toEqual(whole);
      expect(readdirSync(folder).filter((name) => name.endsWith('.data'))).toHaveLength(2);
    }
  }, 60_000);
});

/** A file system that does nothing more, and does not answer, after some calls: what a kill leaves. `stopped` says when. */
function stopping(calls: number): { files: FileSystem; stopped: Promise<void> } {
  let left = calls;
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const names = ['copyFile', 'chmod', 'open', 'rename', 'rm', 'stat', 'link', 'mkdir', 'readdir'] as const;
  const call =
    (of: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      if (left-- > 0) return of(...args);
      stop();
      return new Promise(() => {});
    };
  const files = Object.fromEntries(
    names.map((name) => [name, call(nodeFiles[name] as (...args: unknown[]) => unknown)]),
  ) as unknown as FileSystem;
  return { files, stopped };
}

/** x · a · b · c: each matrix in a file of its own, the first under two names. */
function threeFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'audit-external-'));
  const matrix = (scale: number): TensorSpec => [
    'float32',
    [4, 4],
    Array.from({ length: 16 }, (_, i) => scale * Math.sin(i + 1)),
  ];
  const proto = buildModel({
    inputs: { x: ['float32', ['rows', 4]] },
    initializers: { a: matrix(1), b: matrix(2), c: matrix(3), d: matrix(1) },
    nodes: [
      ['MatMul', ['x', 'a'], ['h']],
      ['MatMul', ['h', 'b'], ['i']],
      ['MatMul', ['i', 'c'], ['j']],
      ['MatMul', ['j', 'd'], ['y']],
    ],
    outputs: ['y'],
  });
  mkdirSync(join(folder, 'sub'));
  const locations: Record<string, string> = { a: 'sub/a.bin', b: 'b.bin', c: 'c.bin', d: 'sub/./a.bin' };
  for (const tensor of proto.graph!.initializer) {
    const location = locations[tensor.name!]!;
    writeFileSync(join(folder, location), tensor.rawData!);
    delete tensor.rawData;
    tensor.dataLocation = 1;
    tensor.externalData = [{ key: 'location', value: location, unknown: [] }];
  }
  const model = join(folder, 'model.onnx');
  writeFileSync(model, encodeModel(proto));
  return { folder, model, output: join(folder, 'out.onnx') };
}

describe('several data files', () => {
  test('are copied where they change, numbered, and shared where they do not', async () => {
    const { folder, model, output } = threeFiles();
    const parts = inverted(model);
    // The model file has no weights of its own, and c.bin stays.
    const changes = parts.changes.filter(({ patches }) => !patches[0]!.file.endsWith('c.bin'));
    await writeStripped(openModel(model), { output }, { ...parts, changes });
    const files = ['b.bin', 'c.bin', 'model.onnx', 'out.onnx', 'out.onnx.1.data', 'out.onnx.2.data'];
    expect(readdirSync(folder).sort()).toEqual([...files, 'out.onnx.strip.json', 'sub']);
    const located = [...allTensors(openModel(output).proto)].map(({ name, externalData }) => [
      name,
      externalData[0]!.value,
    ]);
    expect(Object.fromEntries(located)).toEqual({
      a: 'out.onnx.1.data',
      b: 'out.onnx.2.data',
      c: 'c.bin',
      d: 'out.onnx.1.data',
    });
    await loads(output);
    await undoStrip(output);
    expect(sha256(join(folder, 'out.onnx.1.data'))).toBe(sha256(join(folder, 'sub/a.bin')));
    expect(sha256(join(folder, 'out.onnx.2.data'))).toBe(sha256(join(folder, 'b.bin')));
  });

  test('behind links, as in a hub cache, are copied beside the link', async () => {
    const { folder: blobs, model: real } = threeFiles();
    const folder = mkdtempSync(join(blobs, 'snapshot-'));
    const model = join(folder, 'model.onnx');
    symlinkSync(real, model);
    mkdirSync(join(folder, 'sub'));
    for (const name of ['sub/a.bin', 'b.bin', 'c.bin']) symlinkSync(join(blobs, name), join(folder, name));
    const before = ['sub/a.bin', 'b.bin', 'c.bin'].map((name) => sha256(join(blobs, name)));
    const output = join(folder, 'out.onnx');
    await writeStripped(openModel(model), { output }, inverted(model));
    const copies = [1, 2, 3].map((k) => join(folder, `out.onnx.${k}.data`));
    expect(copies.every((path) => lstatSync(path).isFile())).toBe(true);
    expect(lstatSync(join(folder, 'b.bin')).isSymbolicLink()).toBe(true);
    expect(['sub/a.bin', 'b.bin', 'c.bin'].map((name) => sha256(join(blobs, name)))).toEqual(before);
    expect(openModel(output).files.map(({ path }) => path)).toEqual([output, ...copies]);
    await undoStrip(output);
    expect(copies.map(sha256)).toEqual(before);
  });
});

const named = (path: string): string => basename(path);
const same = (a: Buffer | null, b: Buffer | null): boolean =>
  a === b || (a !== null && b !== null && a.equals(b));

/** A model's bytes with its data under other names. */
async function locatedAgain(model: string, renamed: ReadonlyMap<string, string>): Promise<Buffer> {
  const to = join(mkdtempSync(join(tmpdir(), 'audit-located-')), 'm.onnx');
  const splices = relocate(openModel(model).files[0]!, renamed);
  await cloneFile({ from: model, to, patches: [], splices });
  return readFileSync(to);
}
