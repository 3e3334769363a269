import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  promises as nodeFiles,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { audit } from '../../../src/app/audit.js';
import type { FileSystem } from '../../../src/files/atomic.js';
import { fromOnnx } from '../../../src/graph/from-onnx.js';
import { openAuditedFile } from '../../../src/measure/audited-model.js';
import type { NdArray } from '../../../src/onnx/array.js';
import { openModel } from '../../../src/onnx/skeleton.js';
import { encodeOverlay } from '../../../src/probe/overlay.js';
import { writeStripped } from '../../../src/repair/strip/output.js';
import { readStripRecord } from '../../../src/repair/strip/record.js';
import { type StripOptions, strip } from '../../../src/repair/strip/strip.js';
import { renderStrip } from '../../../src/repair/strip/table.js';
import { undoStrip } from '../../../src/repair/strip/undo.js';
import { openSession } from '../../../src/runtime/session.js';
import { buildBytes, type ModelSpec } from '../../build.js';
import { npy, npz } from '../../data/support.js';

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'audit-strip-'));

/** |x| [rows, 10] → ·w [10, 8] → Relu → ·v: neurons 1 and 5 are dead for three weights of −20. */
const spec = (alive = false): ModelSpec => ({
  inputs: { x: ['float32', ['rows', 10]] },
  initializers: {
    w: ['float32', [10, 8], Array.from({ length: 80 }, (_, i) => weight(Math.floor(i / 8), i % 8, alive))],
    v: ['float32', [8, 3], Array.from({ length: 24 }, (_, i) => Math.sin(i))],
  },
  nodes: [
    ['Abs', ['x'], ['p']],
    ['MatMul', ['p', 'w'], ['h']],
    ['Relu', ['h'], ['a']],
    ['MatMul', ['a', 'v'], ['logits']],
  ],
  outputs: { logits: ['float32', ['rows', 3]] },
});
const weight = (input: number, neuron: number, alive: boolean): number =>
  !alive && (neuron === 1 || neuron === 5) && input < 3 ? -20 : Math.abs(Math.sin(input * 8 + neuron)) + 0.1;

/** The model and 4,000 rows of |x| from 0.1 to 1 in a folder of their own. */
function newModel(alive = false): { folder: string; model: string; data: string } {
  const folder = newFolder();
  const [model, data] = [join(folder, 'model.onnx'), join(folder, 'rows.npz')];
  writeFileSync(model, buildBytes(spec(alive)));
  const x = Float32Array.from({ length: 40_000 }, (_, i) => 0.55 + 0.45 * Math.sin(i * i));
  const labels = BigInt64Array.from({ length: 4000 }, (_, i) => BigInt(i % 3));
  writeFileSync(data, npz({ x: npy('<f4', [4000, 10], x), labels: npy('<i8', [4000], labels) }));
  return { folder, model, data };
}

const stripped = (options: Partial<StripOptions> & Pick<StripOptions, 'model' | 'to'>) =>
  strip({ fraction: 0.3, threads: 1, device: 'cpu', ...options });

describe('strip', () => {
  test('revives neurons in a clone in which the recorded bytes alone differ, and undo restores every byte', async () => {
    const { folder, model, data } = newModel();
    const output = join(folder, 'out.onnx');
    const report = await stripped({ model, data, to: { output } });
    expect(report.sites[0]).toMatchObject({
      id: '0.mlp_post',
      dead: { before: 2, after: 0 },
      revived: [1, 5],
      newlyDead: [],
      stripped: 2,
      weights: 6,
      stillDead: [],
    });
    expect(report.summary).toMatchObject({ outcome: 'stripped', weights: 6, revived: 2 });
    const record = await readStripRecord(`${output}.strip.json`);
    const [before, after] = [readFileSync(model), readFileSync(output)];
    const recorded = new Set(
      record.changes.flatMap(({ offsets, width }) =>
        offsets.flatMap((offset) => Array.from({ length: width }, (_, i) => offset + i)),
      ),
    );
    expect(recorded.size).toBe(6 * 4);
    const differing = [...before.keys()].filter((i) => before[i] !== after[i]);
    expect(after.length).toBe(before.length);
    expect(differing.every((i) => recorded.has(i))).toBe(true);
    expect(differing).toHaveLength(report.summary.bytesChanged);
    expect(record.files).toEqual([
      { name: 'out.onnx', bytes: before.length, sha256: { before: sha256(model), after: sha256(output) } },
    ]);
    expect(report.output!.files).toEqual(record.files);
    // The file is what the overlay promised.
    const again = await audit({ model: output, data, threads: 1, device: 'cpu' });
    expect(again.sites.find(({ id }) => id === '0.mlp_post')!.deadNeurons).toEqual([]);
    const restored = await undoStrip(output);
    expect(sha256(output)).toBe(sha256(model));
    expect(restored.files).toEqual([{ name: 'out.onnx', sha256: sha256(model) }]);
    expect(existsSync(`${output}.strip.json`)).toBe(false);
  });

  test("changes the model's outputs through the revived neurons alone", async () => {
    const { folder, model, data } = newModel();
    const output = join(folder, 'out.onnx');
    await stripped({ model, data, to: { output } });
    const x = Float32Array.from({ length: 400 }, (_, i) => 0.55 + 0.45 * Math.sin(i * i));
    const feeds: Record<string, NdArray> = { x: { type: 'float32', dims: [40, 10], data: x } };
    const run = async (path: string) => {
      const graph = fromOnnx(openModel(path).proto);
      graph.graph.addOutput([...graph.graph.nodes].find(({ opType }) => opType === 'Relu')!.output);
      const bytes = encodeOverlay(graph, folder);
      const session = await openSession({ model: bytes, folder, device: 'cpu', threads: 1 });
      const results = await session.run({ feeds, fetch: ['logits', 'a'] });
      await session.dispose();
      return { logits: results.logits!.data as Float32Array, a: results.a!.data as Float32Array };
    };
    const [before, after] = [await run(model), await run(output)];
    for (let row = 0; row < 40; row++) {
      for (let n = 0; n < 8; n++) {
        const revived = n === 1 || n === 5;
        expect(before.a[row * 8 + n] === after.a[row * 8 + n]).toBe(!revived);
        if (revived) expect(before.a[row * 8 + n]).toBe(0);
      }
      for (let k = 0; k < 3; k++) {
        const through = [1, 5].reduce((sum, n) => sum + after.a[row * 8 + n]! * Math.sin(n * 3 + k), 0);
        const change = after.logits[row * 3 + k]! - before.logits[row * 3 + k]!;
        expect(Math.abs(change - through)).toBeLessThan(1e-5);
      }
    }
  });

  test('measures quality before and after, and refuses to write what is worse than allowed', async () => {
    const { folder, model, data } = newModel();
    const output = join(folder, 'out.onnx');
    const dry = await stripped({ model, data, to: null });
    const quality = dry.quality as Extract<typeof dry.quality, { worse: unknown }>;
    expect(quality.before).toMatchObject({ task: 'classification', positions: 4000, perplexity: null });
    expect(quality.after.loss).not.toBe(quality.before.loss);
    expect(quality.worse).toBeCloseTo(quality.before.accuracy! - quality.after.accuracy!, 12);
    const worse = quality.worse!;
    const refused = await stripped({ model, data, to: { output }, maxQualityLoss: worse - 0.001 });
    expect(refused.summary.outcome).toBe('quality-refused');
    expect(refused.output).toBe(null);
    expect(readdirSync(folder).sort()).toEqual(['model.onnx', 'rows.npz']);
    const written = await stripped({
      model,
      data,
      to: { output },
      maxQualityLoss: Math.max(0, worse) + 0.001,
    });
    expect(written.summary.outcome).toBe('stripped');
  });

  test('writes nothing in a dry run', async () => {
    const { folder, model, data } = newModel();
    const before = sha256(model);
    const report = await stripped({ model, data, to: null });
    expect(report.summary.revived).toBe(2);
    expect(report.output).toBe(null);
    expect(readdirSync(folder).sort()).toEqual(['model.onnx', 'rows.npz']);
    expect(sha256(model)).toBe(before);
  });

  test('repeats until nothing is dead, and each round takes a share of what remains', async () => {
    const { model, data } = newModel();
    const report = await stripped({ model, data, to: null, fraction: 0.1, rounds: 9 });
    expect(report.rounds.map(({ dead, weights }) => [dead, weights])).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(report.summary.dead.after).toBe(0);
  });

  test('by contribution goes by the means of the data', async () => {
    const { model, data } = newModel();
    const report = await stripped({ model, data, to: null, by: 'contribution' });
    expect(report.options.by).toBe('contribution');
    expect(report.summary).toMatchObject({ revived: 2, weights: 6 });
  });

  test('with nothing dead it writes an identical copy, so that a pipeline goes on', async () => {
    const { folder, model, data } = newModel(true);
    const output = join(folder, 'out.onnx');
    const report = await stripped({ model, data, to: { output } });
    expect(report.summary.outcome).toBe('nothing-dead');
    expect(sha256(output)).toBe(sha256(model));
    await undoStrip(output);
    expect(sha256(output)).toBe(sha256(model));
    const inPlace = await stripped({ model, data, to: { inPlace: true } });
    expect(inPlace.output).toMatchObject({ path: model, record: null });
    expect(existsSync(`${model}.strip.json`)).toBe(false);
  });

  test('in place changes the file itself, once, and can be undone', async () => {
    const { model, data } = newModel();
    const before = sha256(model);
    const report = await stripped({ model, data, to: { inPlace: true } });
    expect(sha256(model)).toBe(report.output!.files[0]!.sha256.after);
    expect(sha256(model)).not.toBe(before);
    expect((await readStripRecord(`${model}.strip.json`)).status).toBe('applied');
    await expect(stripped({ model, data, to: { inPlace: true } })).rejects.toThrow(/undoes an earlier strip/);
    await undoStrip(model);
    expect(sha256(model)).toBe(before);
  });

  test('begins with a saved audit of the same model, and refuses one of another', async () => {
    const { model, data } = newModel();
    const saved = { path: 'r.json', report: await audit({ model, data, threads: 1, device: 'cpu' }) };
    const report = await stripped({ model, data, to: null, saved });
    expect(report.summary).toMatchObject({ dead: { before: 2, after: 0 }, weights: 6 });
    const other = newModel(true);
    await expect(stripped({ model: other.model, data, to: null, saved })).rejects.toThrow(
      /`r.json` cannot begin a strip of .*: it is about (another model|other weights)/,
    );
    const stopped = { ...saved.report, data: { ...saved.report.data, complete: false } };
    await expect(
      stripped({ model, data, to: null, saved: { path: 'r.json', report: stopped } }),
    ).rejects.toThrow(/stopped early/);
  });
});

describe('external data', () => {
  const source = 'models/variants/gpt2-ext';
  const many = { deadBelow: 1, tokens: 512, data: 'random', seqLen: 16 };

  test('only the touched files are cloned, into another folder', async () => {
    const folder = newFolder();
    for (const name of readdirSync(source)) copyFileSync(join(source, name), join(folder, name));
    const [model, data] = readdirSync(folder)
      .sort()
      .map((name) => join(folder, name));
    const before = [sha256(model!), sha256(data!)];
    const output = join(folder, 'out', 'o.onnx');
    mkdirSync(dirname(output));
    const report = await stripped({ model: model!, to: { output }, ...many });
    expect(report.summary.weights).toBeGreaterThan(0);
    expect(readdirSync(dirname(output)).sort()).toEqual(['model.onnx.data', 'o.onnx', 'o.onnx.strip.json']);
    expect(sha256(output)).toBe(before[0]);
    const copy = join(dirname(output), 'model.onnx.data');
    expect(sha256(copy)).not.toBe(before[1]);
    // A second time it is our own data that is written over.
    await stripped({ model: model!, to: { output }, ...many });
    expect([sha256(model!), sha256(data!)]).toEqual(before);
    await undoStrip(output);
    expect(sha256(copy)).toBe(before[1]);
  });

  test('of somebody else is not written over', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'model.onnx.data'), 'mine');
    const to = { output: join(folder, 'o.onnx') };
    await expect(stripped({ model: join(source, 'model.onnx'), to, ...many })).rejects.toThrow(
      /would be written over/,
    );
    expect(readdirSync(folder)).toEqual(['model.onnx.data']);
  });
});

describe('what strip refuses', () => {
  test('an output that is the input, by any of its names', async () => {
    const { folder, model, data } = newModel();
    const [link, hard] = [join(folder, 'link.onnx'), join(folder, 'hard.onnx')];
    symlinkSync(model, link);
    for (const output of [model, link]) {
      await expect(stripped({ model, data, to: { output } })).rejects.toThrow(/is the input itself/);
    }
    await expect(stripped({ model: link, data, to: { inPlace: true } })).rejects.toThrow(/symbolic link/);
    linkSync(model, hard);
    await expect(stripped({ model, data, to: { inPlace: true } })).rejects.toThrow(/several names/);
    await expect(stripped({ model, data, to: { output: hard } })).rejects.toThrow(/is the input itself/);
  });

  test('an output in no folder, or in place of one', async () => {
    const { folder, model, data } = newModel();
    const to = { output: join(folder, 'no', 'out.onnx') };
    await expect(stripped({ model, data, to })).rejects.toThrow(/there is no folder/);
    await expect(stripped({ model, data, to: { output: folder } })).rejects.toThrow(/it is a folder/);
  });

  test('a record that does not belong to the file, and then writes nothing', async () => {
    const { folder, model, data } = newModel();
    const output = join(folder, 'out.onnx');
    await expect(undoStrip(output)).rejects.toThrow(/Expected the record of a strip/);
    await stripped({ model, data, to: { output } });
    const bytes = readFileSync(output);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(output, bytes);
    await expect(undoStrip(output)).rejects.toThrow(/does not belong to .*the file has been changed since/);
    expect(readFileSync(output).equals(bytes)).toBe(true);
    writeFileSync(output, bytes.subarray(1));
    await expect(undoStrip(output)).rejects.toThrow(/bytes, expected/);
    const record = readFileSync(`${output}.strip.json`, 'utf8');
    writeFileSync(`${output}.strip.json`, record.replace('"out.onnx"', '"../out.onnx"'));
    await expect(undoStrip(output)).rejects.toThrow(/outside its folder/);
    writeFileSync(`${output}.strip.json`, '{}');
    await expect(undoStrip(output)).rejects.toThrow(/is no record of `audit strip`/);
  });
});

describe('a disk that fails', () => {
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' });

  /** All that writing needs, from a dry run's findings. */
  async function parts(model: string, data: string) {
    const { folder } = newModel();
    const output = join(folder, 'tried.onnx');
    await stripped({ model, data, to: { output } });
    const record = await readStripRecord(`${output}.strip.json`);
    const changes = record.changes.map(({ offsets, width, before, after, file: _, ...change }) => ({
      ...change,
      patches: offsets.map((offsetBytes, i) => ({
        file: model,
        offsetBytes,
        before: Uint8Array.from(Buffer.from(before, 'base64').subarray(i * width, (i + 1) * width)),
        after: Uint8Array.from(Buffer.from(after, 'base64').subarray(i * width, (i + 1) * width)),
      })),
    }));
    return { ...record, changes };
  }

  test('leaves neither an output nor a record', async () => {
    const { folder, model, data } = newModel();
    const before = sha256(model);
    const files = { ...nodeFiles, copyFile: () => Promise.reject(full) } as unknown as FileSystem;
    const writing = writeStripped(
      openModel(model),
      { output: join(folder, 'o.onnx') },
      await parts(model, data),
      { files },
    );
    await expect(writing).rejects.toThrow(/`.*o.onnx` cannot be written: no space is left/);
    expect(readdirSync(folder).sort()).toEqual(['model.onnx', 'rows.npz']);
    expect(sha256(model)).toBe(before);
  });

  test.each([0, 2, 5, 40])('in place after %i bytes leaves the original', async (bytes) => {
    const { folder, model, data } = newModel();
    const before = sha256(model);
    let left = bytes;
    const open = async (...args: Parameters<typeof nodeFiles.open>) => {
      const handle = await nodeFiles.open(...args);
      if (args[0] !== model) return handle;
      const whole = handle.write.bind(handle) as (...a: unknown[]) => Promise<{ bytesWritten: number }>;
      const write = async (buffer: Uint8Array, offset: number, length: number, position: number) => {
        if (left === 0) throw full;
        const part = Math.min(length, left);
        left -= part;
        return whole(buffer, offset, part, position);
      };
      return Object.assign(handle, { write });
    };
    const made = await parts(model, data);
    const writing = writeStripped(openModel(model), { inPlace: true }, made, {
      files: { ...nodeFiles, open } as unknown as FileSystem,
    });
    await expect(writing).rejects.toThrow(/no space is left/);
    expect(sha256(model)).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(['model.onnx', 'rows.npz']);
  });
});

test.each(['open', 'rm'] as const)(
  'an undo that the disk refuses (%s) says so and keeps the record',
  async (step) => {
    const { model, data } = newModel();
    const before = sha256(model);
    await stripped({ model, data, to: { inPlace: true } });
    const readOnly = Object.assign(new Error('read-only'), { code: 'EROFS' });
    const files = { ...nodeFiles, [step]: () => Promise.reject(readOnly) } as unknown as FileSystem;
    await expect(undoStrip(model, files)).rejects.toThrow(
      `\`${model}\` cannot be written: the file system is read-only.`,
    );
    expect(existsSync(`${model}.strip.json`)).toBe(true);
    await undoStrip(model);
    expect(sha256(model)).toBe(before);
  },
);

test('a model whose strip in place was interrupted is not audited, and rolled back by the next strip', async () => {
  const { model, data } = newModel();
  const before = sha256(model);
  await stripped({ model, data, to: { inPlace: true } });
  const path = `${model}.strip.json`;
  writeFileSync(path, readFileSync(path, 'utf8').replace('"applied"', '"pending"'));
  await expect(openAuditedFile({ model })).rejects.toThrow(/interrupted/);
  const report = await stripped({ model, data, to: null });
  expect(report.summary.dead.before).toBe(2);
  expect(sha256(model)).toBe(before);
  expect(existsSync(path)).toBe(false);
});

describe('a strip by weight that leaves most neurons dead', () => {
  /** Dead neurons of a layer whose inputs are x or |x|; x has both signs and column means of both signs. */
  function harsh(inputs: 'signed' | 'positive') {
    const folder = newFolder();
    const [model, data] = [join(folder, 'model.onnx'), join(folder, 'rows.npz')];
    const deep = Array.from({ length: 80 }, (_, i) => (i % 8 < 4 ? (i < 8 ? -900 : -0.01) : 0.5));
    writeFileSync(
      model,
      buildBytes({
        inputs: { x: ['float32', ['rows', 10]] },
        initializers: {
          w: ['float32', [10, 8], deep],
          b: ['float32', [8], Array.from({ length: 8 }, (_, i) => (i < 4 ? -900 : 0))],
          v: ['float32', [8, 3], 1],
        },
        nodes: [
          [inputs === 'signed' ? 'Identity' : 'Abs', ['x'], ['p']],
          ['MatMul', ['p', 'w'], ['m']],
          ['Add', ['m', 'b'], ['h']],
          ['Relu', ['h'], ['a']],
          ['MatMul', ['a', 'v'], ['logits']],
        ],
        outputs: { logits: ['float32', ['rows', 3]] },
      }),
    );
    const x = Float32Array.from({ length: 4000 }, (_, i) => (i % 10 < 5 ? 0.3 : -0.3) + 0.1 * Math.sin(i));
    writeFileSync(data, npz({ x: npy('<f4', [400, 10], x) }));
    return stripped({ model, data, to: null });
  }

  test('says so in one line where inputs are negative on average, and names --by contribution', async () => {
    const report = await harsh('signed');
    expect(report.summary.dead).toEqual({ before: 4, after: 4 });
    const [warning, ...others] = report.warnings.filter(({ code }) => code === 'signed-inputs');
    expect(others).toEqual([]);
    expect(warning!.message).toMatch(
      /^4 of 4 neurons are still dead, .*\(5 of 10 means are negative\): `--by contribution`/,
    );
    expect(renderStrip(report, { width: 300 })).toMatch(/`--by contribution`/);
  });

  test('says nothing where no input is negative, or the strip went by contribution', async () => {
    const report = await harsh('positive');
    expect(report.summary.dead).toEqual({ before: 4, after: 4 });
    expect(report.warnings.filter(({ code }) => code === 'signed-inputs')).toEqual([]);
  });
});
