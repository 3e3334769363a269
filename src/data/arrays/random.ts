import { UserError } from '../../errors.js';
import type { Dimension } from '../../graph/types.js';
import type { NdArray } from '../../onnx/array.js';
import { DataType, isFloat } from '../../onnx/data-types.js';
import { describeInput } from '../feeds.js';
import type { InputRole } from '../input-role.js';
import type { DataSpec, Warning } from '../spec.js';
import type { TextSource } from '../text/source.js';
import type { Encoder } from '../tokens/encoder.js';
import type { DataSet, ModelInput } from '../types.js';
import { automaticRows } from './array-set.js';
import { arrayOf, elements, inputType } from './convert.js';
import { integersBelow, normals } from './prng.js';
import { rowSet } from './row-set.js';

/** Number of ids that one line of the endless random text becomes. */
const idsPerLine = 1024;

/** Returns endless numbered lines, for {@link randomEncoder}. */
export const randomText: TextSource = {
  name: 'random',
  variant: null,
  split: null,
  bytes: Number.POSITIVE_INFINITY,
  async *lines() {
    for (let line = 0; ; line++) yield [String(line)];
  },
};

/** Returns a tokenizer of numbered lines: ids uniform in the vocabulary, the same for the same line. */
export function randomEncoder(vocabulary: number): Encoder {
  return {
    name: 'none (random ids)',
    prefix: [],
    suffix: [],
    endOfText: null,
    pad: 0,
    encode: (line) => integersBelow(vocabulary, Number(line), idsPerLine),
  };
}

/**
 * Makes seeded noise of the inputs' shapes: standard normal numbers, integers in the vocabulary. There are as
 * many rows as the budget pays for, 4,096 or 64 million numbers at most.
 *
 * @throws UserError when not even the rank is known, or integers are wanted without a vocabulary.
 */
export function randomSet(spec: DataSpec, warnings: Warning[]): DataSet {
  const shapes = spec.inputs.map(rowShape);
  const width = shapes.reduce((sum, dims) => sum + elements(dims), 0);
  const fixed = spec.inputs.map((input) => input.shape?.[0]).find((size) => typeof size === 'number');
  const makeRow = (input: ModelInput, index: number, row: number) =>
    noise(input, elements(shapes[index]!), row * spec.inputs.length + index, spec.vocabulary);
  return rowSet({
    source: {
      rows: Math.max(1, Math.min(4096, Math.floor(2 ** 26 / Math.max(1, width)))),
      positionsPerRow: 1,
      feeds: (rows) =>
        Object.fromEntries(
          spec.inputs.map((input, index) => [
            input.name,
            stack(
              input,
              shapes[index]!,
              rows.map((row) => makeRow(input, index, row)),
            ),
          ]),
        ),
    },
    description: { name: 'random', variant: null, split: null, tokenizer: null, seqLen: null },
    kind: 'random',
    fixedBatch: typeof fixed === 'number' && fixed > 0 ? fixed : null,
    batchSize: spec.batchSize,
    automaticBatch: automaticRows(width),
    maskable: shapes.every((dims) => dims.length <= 1),
    tokens: spec.tokens,
    shard: spec.shard,
    warnings,
  });
}

/** Sizes that noise takes where the file leaves an axis open: of an image, and of anything else. */
const OPEN_PIXELS = 224;
const OPEN_AXIS = 16;

/**
 * Makes noise for a float input beside token ids that no role fills: an encoder's result, pixels, audio
 * features.
 */
export function noiseRole(taken: InputRole[]): InputRole {
  return {
    name: 'noise',
    fits: (input) =>
      isFloat(input.elemType) && input.shape !== null && !taken.some((role) => role.fits(input)),
    // Open axes are as long as the sequence, as the masks beside them are.
    fill: (input, { batch, seqLen }) => {
      const open = input.shape?.length === 4 ? OPEN_PIXELS : seqLen;
      const dims = input.shape!.map((size, axis) => fixedOr(size, axis === 0 ? batch : open));
      return arrayOf(
        inputType(input.elemType, input.name),
        dims,
        Float64Array.from(normals(dims.length, elements(dims))),
      );
    },
  };
}

const fixedOr = (size: Dimension | undefined, otherwise: number): number =>
  typeof size === 'number' ? size : otherwise;

/** Returns the shape of one row: all axes but the leading one. */
function rowShape(input: ModelInput): number[] {
  const open = input.shape?.length === 4 ? OPEN_PIXELS : OPEN_AXIS;
  const inner = input.shape?.slice(1).map((size) => fixedOr(size, open));
  if (inner) return inner;
  throw new UserError(
    `The model's input ${describeInput(input)} has no shape, so random data cannot be made; supply arrays with --data feeds.npz.`,
    'input-unfilled',
  );
}

function noise(input: ModelInput, count: number, seed: number, vocabulary: number | null): ArrayLike<number> {
  if (isFloat(input.elemType)) return normals(seed, count);
  if (input.elemType === DataType.BOOL) return integersBelow(2, seed, count);
  if (vocabulary !== null) return integersBelow(vocabulary, seed, count);
  throw new UserError(
    `The model's input ${describeInput(input)} takes integers, and which are allowed is unknown; supply arrays with --data feeds.npz.`,
    'input-unfilled',
  );
}

function stack(input: ModelInput, dims: number[], rows: ArrayLike<number>[]): NdArray {
  const width = elements(dims);
  const values = new Float64Array(rows.length * width);
  for (const [at, row] of rows.entries()) values.set(row, at * width);
  return arrayOf(inputType(input.elemType, input.name), [rows.length, ...dims], values);
}
