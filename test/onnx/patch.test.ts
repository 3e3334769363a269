import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  promises as nodeFiles,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FileSystem, hashWithPatches, patchFile, writeClones } from '../../src/files/patch-files.js';
import { DataType } from '../../src/onnx/data-types.js';
import { rawTensor } from '../../src/onnx/make-tensor.js';
import { type BytePatch, elementBits, elementRange, mergePatches, setElement } from '../../src/onnx/patch.js';
import { readElements } from '../../src/onnx/tensors.js';

const folder = (): string => mkdtempSync(join(tmpdir(), 'audit-patch-'));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const randomBytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 24);

describe('setting an element', () => {
  test.each([
    ['uint4', DataType.UINT4, 15],
    ['int4', DataType.INT4, -8],
    ['uint2', DataType.UINT2, 3],
    ['int8', DataType.INT8, -128],
    ['uint8', DataType.UINT8, 200],
    ['uint16', DataType.UINT16, 40_000],
    ['int16', DataType.INT16, -2],
    ['float16', DataType.FLOAT16, 0],
    ['bfloat16', DataType.BFLOAT16, 0],
    ['float32', DataType.FLOAT, 0],
    ['float64', DataType.DOUBLE, 0],
  ])('of %s changes it and no other', (_name, dataType, code) => {
    const bits = elementBits(dataType)!;
    for (let element = 0; element < 9; element++) {
      const bytes = randomBytes(Math.ceil((9 * bits) / 8));
      const read = (): number[] =>
        Array.from(readElements(rawTensor('w', dataType, [9], bytes), { start: 0, end: 9 }));
      const before = read();
      setElement(bytes, bits, element, code);
      const after = read();
      expect(after[element]).toBe(code);
      expect(after.filter((_, i) => i !== element)).toEqual(before.filter((_, i) => i !== element));
    }
  });

  test('covers the bytes that its range says', () => {
    expect(elementRange(32, 3)).toEqual({ start: 12, end: 16 });
    expect(elementRange(4, 3)).toEqual({ start: 1, end: 2 });
    expect(elementRange(2, 4)).toEqual({ start: 1, end: 2 });
  });
});

describe('merged patches', () => {
  const patches = fc.array(
    fc.record({ offset: fc.nat(40), bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }) }),
    { maxLength: 12 },
  );

  test('do what the patches do one after the other, and undone restore every byte', () => {
    fc.assert(
      fc.property(patches, (list) => {
        const original = randomBytes(50);
        const bytes = original.slice();
        const made: BytePatch[] = list.map(({ offset, bytes: after }) => {
          const before = bytes.slice(offset, offset + after.length);
          bytes.set(after, offset);
          return { file: 'f', offsetBytes: offset, before, after };
        });
        const merged = mergePatches(made);
        const forward = original.slice();
        for (const { offsetBytes, before, after } of merged) {
          expect(forward.slice(offsetBytes, offsetBytes + before.length)).toEqual(before);
          forward.set(after, offsetBytes);
        }
        expect(forward).toEqual(bytes);
        for (const { offsetBytes, before } of merged) forward.set(before, offsetBytes);
        expect(forward).toEqual(original);
        const ends = merged.map(({ offsetBytes, after }) => offsetBytes + after.length);
        expect(merged.slice(1).every(({ offsetBytes }, i) => offsetBytes > ends[i]!)).toBe(true);
      }),
    );
  });
});

describe('hashing with patches', () => {
  test('equals the hash of the patched file, also across the edges of what is read at once', async () => {
    const bytes = randomBytes(3 * (1 << 20) + 17);
    const path = join(folder(), 'big');
    writeFileSync(path, bytes);
    const edge = 1 << 20;
    const made = [0, 100, edge - 3, 2 * edge - 1, bytes.length - 4].map((offsetBytes) => ({
      file: path,
      offsetBytes,
      before: bytes.slice(offsetBytes, offsetBytes + 4),
      after: Uint8Array.of(9, 8, 7, 6),
    }));
    const { now, patched } = await hashWithPatches(path, made);
    expect(now).toBe(sha256(bytes));
    await patchFile(path, made);
    expect(patched).toBe(sha256(readFileSync(path)));
  });
});

describe('writing', () => {
  const patch = (file: string, bytes: Uint8Array): BytePatch => ({
    file,
    offsetBytes: 10,
    before: bytes.slice(10, 14),
    after: Uint8Array.of(0, 0, 0, 0),
  });

  test('a clone differs in the patched bytes alone, and the original stays', async () => {
    const at = folder();
    const [from, to] = [join(at, 'a'), join(at, 'b')];
    const bytes = randomBytes(1000);
    writeFileSync(from, bytes);
    await writeClones([{ from, to, patches: [patch(from, bytes)] }]);
    const expected = bytes.slice();
    expected.fill(0, 10, 14);
    expect(new Uint8Array(readFileSync(to))).toEqual(expected);
    expect(new Uint8Array(readFileSync(from))).toEqual(bytes);
    expect(readdirSync(at).sort()).toEqual(['a', 'b']);
  });

  test('refuses bytes that are neither old nor new', async () => {
    const path = join(folder(), 'a');
    const bytes = randomBytes(100);
    writeFileSync(path, bytes);
    const wrong = { ...patch(path, bytes), before: Uint8Array.of(1, 2, 3, 4) };
    await expect(patchFile(path, [wrong])).rejects.toThrow(/something else has changed it/);
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
  });

  test.each([
    ['copying', { copyFile: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) }],
    ['opening', { open: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) }],
    ['renaming', { rename: () => Promise.reject(Object.assign(new Error('ro'), { code: 'EROFS' })) }],
  ])('leaves nothing behind when %s fails', async (_what, broken) => {
    const at = folder();
    const [from, to] = [join(at, 'a'), join(at, 'b')];
    const bytes = randomBytes(1000);
    writeFileSync(from, bytes);
    const files = { ...nodeFiles, ...broken } as unknown as FileSystem;
    await expect(writeClones([{ from, to, patches: [patch(from, bytes)] }], files)).rejects.toThrow(
      /`.*b` cannot be written: (no space is left|the file system is read-only)/,
    );
    expect(existsSync(to)).toBe(false);
    expect(readdirSync(at)).toEqual(['a']);
    expect(new Uint8Array(readFileSync(from))).toEqual(bytes);
  });

  test('removes what a killed process left of the same output, and nothing else', async () => {
    const at = folder();
    const [from, to] = [join(at, 'a'), join(at, 'b')];
    writeFileSync(from, randomBytes(100));
    for (const name of [
      '.b.999999999-0123abcd.tmp',
      `.b.${process.pid}-0123abcd.tmp`,
      '.c.999999999-0123abcd.tmp',
    ]) {
      writeFileSync(join(at, name), '');
    }
    await writeClones([{ from, to, patches: [] }]);
    expect(readdirSync(at).sort()).toEqual(
      [`.b.${process.pid}-0123abcd.tmp`, '.c.999999999-0123abcd.tmp', 'a', 'b'].sort(),
    );
  });
});
