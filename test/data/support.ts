import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll } from 'vitest';
import type { DataSpec } from '../../src/data/spec.js';
import type { Batch, DataSet, ModelInput } from '../../src/data/types.js';
import type { Dimension } from '../../src/graph/types.js';
import { DataType } from '../../src/onnx/data-types.js';

/** The data lent to this project's developers; tests that need it say so when it is not there. */
export const sharedData = resolve('../shared/data');
export const hasSharedData = existsSync(sharedData);

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A new empty folder, gone after the tests of the file. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-data-'));
  folders.push(folder);
  return folder;
}

/** Writes a file into a new folder and returns its path. */
export async function newFile(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(await newFolder(), name);
  await writeFile(path, content);
  return path;
}

export function input(
  name: string,
  shape: Dimension[] | null,
  elemType: number = DataType.INT64,
): ModelInput {
  return { name, elemType, shape };
}

/** A GPT-2 without a cache, all axes open. */
export const gpt2Inputs = [
  input('input_ids', ['batch', 'sequence']),
  input('attention_mask', ['batch', 'sequence']),
];

export function spec(some: Partial<DataSpec> & Pick<DataSpec, 'data'>): DataSpec {
  return {
    tokens: 65_536,
    modelPath: 'models/gpt2/model.onnx',
    inputs: gpt2Inputs,
    vocabulary: null,
    maxPositions: null,
    modelKind: 'text',
    ...some,
  };
}

export async function batchesOf(set: DataSet, after?: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of set.batches(after)) batches.push(batch);
  return batches;
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** A .npy file of format version 1, 2 or 3. */
export function npy(
  descr: string,
  shape: number[],
  data: ArrayBufferView,
  options: { version?: 1 | 2 | 3; fortran?: boolean } = {},
): Uint8Array {
  const { version = 1, fortran = false } = options;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${tuple}, }`;
  const fixed = version === 1 ? 10 : 12;
  const header = `${dict.padEnd(Math.ceil((fixed + dict.length + 1) / 64) * 64 - fixed - 1)}\n`;
  const start = Buffer.alloc(fixed);
  start.write('\x93NUMPY', 0, 'latin1');
  start[6] = version;
  if (version === 1) start.writeUInt16LE(header.length, 8);
  else start.writeUInt32LE(header.length, 8);
  const content = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([start, Buffer.from(header), content]);
}

/** A .npz of ready-made .npy files, stored or deflated. */
export function npz(files: Record<string, Uint8Array>, level: 0 | 6 = 6): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, file]) => [`${name}.npy`, file])), {
    level,
  });
}
