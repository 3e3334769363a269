import { basename } from 'node:path';
import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { describeInput, planFeeds, unfilled } from '../feeds.js';
import type { DataSpec, Warning } from '../spec.js';
import type { DataDescription, DataSet, ModelInput } from '../types.js';
import { castTo, elements, inputType, numbersOf, takeRows } from './convert.js';
import { readNpz } from './npz.js';
import { type RowSource, rowSet } from './row-set.js';

/** Names in a .npz that describe the rows and are no inputs. */
const asides = new Set(['labels', 'y', 'mask']);

/**
 * Opens arrays named after the model's inputs. The leading axis counts the rows; if the arrays have no
 * leading size in common, the whole file is one batch. Inputs without an array are filled as for text, if
 * there are token ids.
 *
 * @throws UserError naming the first input that cannot be filled, or an array whose shape does not fit.
 */
export async function npzSet(path: string, spec: DataSpec, warnings: Warning[]): Promise<DataSet> {
  const arrays = await readNpz(path);
  const given = spec.inputs.filter((input) => arrays.has(input.name));
  if (given.length === 0) throw nothingFits(path, arrays, spec.inputs);
  const feeds = new Map(given.map((input) => [input.name, fitted(input, arrays.get(input.name)!, path)]));
  const rest = spec.inputs.filter((input) => !arrays.has(input.name));
  const ids = tokenIds(given);
  if (rest.length > 0 && ids === null) throw unfilled(rest[0]!, path);
  const rows = commonRows(given, feeds);
  const description = {
    name: basename(path),
    variant: null,
    split: null,
    tokenizer: null,
    seqLen: ids === null ? null : (feeds.get(ids.name)!.dims[1] ?? null),
  };
  if (rows === null) return oneBatch(feeds, rest, description, arrays, warnings);
  const source = rowSource(rows, feeds, ids, rest, spec, arrays);
  const width = given.reduce((sum, input) => sum + elements(feeds.get(input.name)!.dims.slice(1)), 0);
  return rowSet({
    source,
    description,
    kind: 'arrays',
    fixedBatch: fixedLeading(given),
    batchSize: spec.batchSize,
    automaticBatch: automaticRows(ids === null ? width : source.positionsPerRow * 1000),
    maskable: given.every((input) => feeds.get(input.name)!.dims.length <= 2),
    tokens: spec.tokens,
    shard: spec.shard,
    warnings,
  });
}

/** Returns the rows of an automatic batch: about a million numbers, 256 rows at most. */
export function automaticRows(numbersPerRow: number): number {
  return Math.max(1, Math.min(256, Math.floor(1_048_576 / Math.max(1, numbersPerRow))));
}

function rowSource(
  rows: number,
  feeds: Map<string, NdArray>,
  ids: ModelInput | null,
  rest: ModelInput[],
  spec: DataSpec,
  arrays: Map<string, NdArray>,
): RowSource {
  const taken = (indices: number[]) =>
    [...feeds].map(([name, array]): [string, NdArray] => [name, takeRows(array, indices)]);
  const seqLen = ids === null ? 1 : feeds.get(ids.name)!.dims[1]!;
  const plan = ids !== null && rest.length > 0 ? planFeeds([ids, ...rest], spec.feeder, 0) : null;
  const maskArray = rowMask(rows, seqLen, arrays);
  const labels = arrays.get('labels') ?? arrays.get('y');
  const extra = (indices: number[]) => {
    if (plan === null || ids === null) return {};
    const values = Int32Array.from(numbersOf(takeRows(feeds.get(ids.name)!, indices)));
    return plan.fill({ batch: indices.length, seqLen, ids: values, mask: null });
  };
  return {
    rows,
    positionsPerRow: seqLen,
    feeds: (indices) => ({ ...extra(indices), ...Object.fromEntries(taken(indices)) }),
    ...(maskArray === null ? {} : { mask: (indices: number[]) => takeRows(maskArray, indices) }),
    ...(labels?.dims[0] === rows ? { labels: (indices: number[]) => takeRows(labels, indices) } : {}),
  };
}

/**
 * Returns `mask`, else an `attention_mask` that leaves something out, as booleans [rows] or [rows, sequence].
 */
function rowMask(rows: number, seqLen: number, arrays: Map<string, NdArray>): NdArray | null {
  const mask = arrays.get('mask') ?? arrays.get('attention_mask');
  if (mask === undefined) return null;
  const booleans = castTo('bool', mask);
  const data = Uint8Array.from(booleans.data as Uint8Array, (one) => (one === 0 ? 0 : 1));
  if (!arrays.has('mask') && !data.includes(0)) return null;
  const expected = seqLen > 1 ? [rows, seqLen] : [rows];
  if (mask.dims.join() !== expected.join()) {
    throw new UserError(
      `Expected the array "mask" to have the shape [${expected.join(', ')}], found [${mask.dims.join(', ')}].`,
      'data-bad-shape',
    );
  }
  return { ...booleans, data };
}

function oneBatch(
  feeds: Map<string, NdArray>,
  rest: ModelInput[],
  description: Omit<DataDescription, 'batchSize'>,
  arrays: Map<string, NdArray>,
  warnings: Warning[],
): DataSet {
  if (rest.length > 0) throw unfilled(rest[0]!, description.name);
  const labels = arrays.get('labels') ?? arrays.get('y');
  const batch = {
    feeds: Object.fromEntries(feeds),
    blocks: [0],
    sequences: 1,
    positions: 1,
    mask: null,
    ...(labels === undefined ? {} : { labels }),
  };
  return {
    description: { ...description, batchSize: 1 },
    kind: 'arrays',
    masked: false,
    census: false,
    positions: 1,
    warnings,
    rangeBatch: async () => batch,
    async *batches(after = -1) {
      if (after < 0) yield batch;
    },
  };
}

/**
 * Returns the array in the input's type.
 *
 * @throws UserError when its shape is not the one that the file fixes.
 */
export function fitted(input: ModelInput, array: NdArray, path: string): NdArray {
  const shape = input.shape;
  const fits =
    shape === null ||
    (shape.length === array.dims.length &&
      shape.every((size, axis) => axis === 0 || typeof size !== 'number' || size === array.dims[axis]));
  if (fits) return castTo(inputType(input.elemType, input.name), array);
  throw new UserError(
    `The array "${input.name}" of ${path} has the shape [${array.dims.join(', ')}], but the model's input is ${describeInput(input)}.`,
    'data-bad-shape',
  );
}

/**
 * Returns the number of rows, if all arrays have the same leading size and every input lets it be cut into
 * batches.
 */
function commonRows(inputs: ModelInput[], feeds: Map<string, NdArray>): number | null {
  const sizes = new Set(inputs.map((input) => feeds.get(input.name)!.dims[0]));
  const [rows] = sizes;
  return sizes.size === 1 && rows !== undefined && rows > 0 ? rows : null;
}

function fixedLeading(inputs: ModelInput[]): number | null {
  const size = inputs.map((input) => input.shape?.[0]).find((each) => typeof each === 'number' && each > 0);
  return typeof size === 'number' ? size : null;
}

/** Returns the input of token ids among those with an array: integers [rows, sequence]. */
function tokenIds(inputs: ModelInput[]): ModelInput | null {
  try {
    const { ids } = planFeeds(inputs, undefined, 0);
    return (ids.shape?.length ?? 2) === 2 ? ids : null;
  } catch {
    return null;
  }
}

function nothingFits(path: string, arrays: Map<string, NdArray>, inputs: ModelInput[]): UserError {
  const found = [...arrays.keys()].filter((name) => !asides.has(name));
  return new UserError(
    `None of the arrays of ${path} (${found.join(', ') || 'none'}) is named after an input of the model ` +
      `(${inputs.map((input) => input.name).join(', ')}).`,
    'data-bad-names',
  );
}
