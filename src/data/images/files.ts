import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { SettingError, UserError } from '../../errors.js';
import { unreadable } from '../text/lines.js';
import { withoutGz } from '../text/source.js';

/** Images of equal size, channel by channel, row by row, 0 to 255. */
export interface Images {
  count: number;
  channels: number;
  height: number;
  width: number;
  /** [count, channels, height, width] */
  pixels: Uint8Array;
  /** [count], or `null` without labels. */
  labels: Uint8Array | null;
  format: 'idx' | 'cifar10';
  split: string;
}

/** Files of a folder by split. */
const patterns = {
  idx: { test: /^(t10k|test|val).*images.*idx3/i, train: /^train.*images.*idx3/i },
  cifar10: { test: /^test.*\.bin(\.gz)?$/i, train: /^(data_batch|train).*\.bin(\.gz)?$/i },
};

const cifarRecord = 3073;

/** True if the folder holds MNIST-like (idx) or CIFAR-10-like (binary) images. */
export function hasImages(names: string[]): boolean {
  return names.some((name) => /images.*idx3/i.test(name) || /\.bin(\.gz)?$/i.test(name));
}

/**
 * Reads the images of a split. Default: `test`, or `train` when there is no test.
 *
 * @throws UserError when the split is not there or a file is cut short.
 */
export async function readImages(folder: string, split: string | undefined): Promise<Images> {
  const names = (await readdir(folder)).sort();
  const format = names.some((name) => /images.*idx3/i.test(name)) ? 'idx' : 'cifar10';
  const wanted = split === undefined ? (['test', 'train'] as const) : ([split] as const);
  for (const each of wanted) {
    if (!Object.hasOwn(patterns[format], each)) {
      throw new SettingError('split', 'test or train for images', split, { code: 'bad-split' });
    }
    const pattern = patterns[format][each as 'test' | 'train'];
    const found = names.filter((name) => pattern.test(name));
    if (found.length > 0) {
      return format === 'idx' ? readIdx(folder, found[0]!, names, each) : readCifar(folder, found, each);
    }
  }
  const others = names.filter((name) => /\.bin(\.gz)?$/i.test(name));
  if (split === undefined && format === 'cifar10') return readCifar(folder, others, 'all');
  throw new UserError(
    `${folder} has no images of the split ${wanted.join(' or ')}; it holds ${names.join(', ')}.`,
    'bad-split',
  );
}

async function readIdx(folder: string, name: string, names: string[], split: string): Promise<Images> {
  const path = join(folder, name);
  const { dims, data } = parseIdx(await readMaybeGz(path), path);
  const labelName = withoutGz(name.replace('images', 'labels').replace('idx3', 'idx1'));
  const found = names.find((each) => withoutGz(each) === labelName);
  const labels =
    found === undefined ? null : parseIdx(await readMaybeGz(join(folder, found)), join(folder, found)).data;
  const [count = 0, height = 0, width = 0] = dims;
  return { count, channels: 1, height, width, pixels: data, labels, format: 'idx', split };
}

/**
 * Reads an idx file of unsigned bytes: 0 0 8 rank, then the sizes as big-endian 32-bit numbers, then the
 * bytes.
 */
function parseIdx(bytes: Uint8Array, path: string): { dims: number[]; data: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rank = bytes[3] ?? 0;
  if (bytes.length < 4 || view.getUint16(0) !== 0 || bytes[2] !== 8 || rank === 0) {
    throw new UserError(`${path} is not an idx file of unsigned bytes.`, 'data-not-idx');
  }
  const start = 4 + 4 * rank;
  const dims =
    bytes.length < start ? [] : Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = start + dims.reduce((product, size) => product * size, 1);
  if (dims.length < rank || bytes.length < expected) {
    throw new UserError(
      `${path} is cut short: expected ${expected.toLocaleString('en')} bytes, found ${bytes.length.toLocaleString('en')}.`,
      'data-truncated',
    );
  }
  return { dims, data: bytes.subarray(start, expected) };
}

/** Reads records of one label byte and 1,024 red, green and blue bytes each. */
async function readCifar(folder: string, names: string[], split: string): Promise<Images> {
  const parts: Uint8Array[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const bytes = await readMaybeGz(path);
    if (bytes.length === 0 || bytes.length % cifarRecord !== 0) {
      throw new UserError(
        `${path} is not a whole CIFAR-10 file: expected a multiple of ${cifarRecord} bytes, found ${bytes.length.toLocaleString('en')}.`,
        'data-truncated',
      );
    }
    parts.push(bytes);
  }
  const records = Buffer.concat(parts);
  const count = records.length / cifarRecord;
  const pixels = new Uint8Array(count * (cifarRecord - 1));
  const labels = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    labels[index] = records[index * cifarRecord]!;
    pixels.set(
      records.subarray(index * cifarRecord + 1, (index + 1) * cifarRecord),
      index * (cifarRecord - 1),
    );
  }
  return { count, channels: 3, height: 32, width: 32, pixels, labels, format: 'cifar10', split };
}

async function readMaybeGz(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    return path.toLowerCase().endsWith('.gz') ? gunzipSync(bytes) : bytes;
  } catch (cause) {
    throw unreadable(path, cause as NodeJS.ErrnoException);
  }
}
