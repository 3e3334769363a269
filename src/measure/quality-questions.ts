import { arrayOf, numbersOf } from '../data/arrays/convert.js';
import { splitMix32 } from '../data/arrays/prng.js';
import type { Batch, TokenFacts } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import type { QualityTask } from '../stats/quality.js';

/** Share of the text tokens that a masked model is asked for (Devlin et al. 2018). */
const MASKED_SHARE = 0.15;

/** Questions to a model in one batch. Rows are tokens [batch · sequence], nodes, images or records. */
export interface Questions {
  feeds: Record<string, NdArray>;
  /** [rows]: the right answer; 0 where there is none. */
  targets: BigInt64Array;
  /** [rows]: 1 where there is a question. */
  counts: Uint8Array;
}

/** The questions of a task; `null` when the batch holds no answers to them. */
export function questionsOf(task: QualityTask, batch: Batch, tokens: TokenFacts | null): Questions | null {
  if (task === 'classification') return classes(batch);
  const ids = tokens && batch.feeds[tokens.input];
  if (!tokens || !ids) return null;
  return task === 'next-token' ? nextTokens(batch, ids) : maskedTokens(batch, ids, tokens);
}

/** The token after each, within a row; padding is neither asked nor answered. */
function nextTokens(batch: Batch, ids: NdArray): Questions {
  const [values, counted, width] = [numbersOf(ids), countedPositions(batch, ids), ids.dims.at(-1)!];
  const targets = new BigInt64Array(values.length);
  const counts = new Uint8Array(values.length);
  for (let at = 0; at + 1 < values.length; at++) {
    if ((at + 1) % width === 0 || !counted[at] || !counted[at + 1]) continue;
    targets[at] = BigInt(values[at + 1]!);
    counts[at] = 1;
  }
  return { feeds: batch.feeds, targets, counts };
}

/**
 * 15 % of the text tokens are all replaced by the mask token. Which, depends only on the block's number and
 * the place in it, so that every variant of a model, in batches of any size, is asked for the same ones.
 */
function maskedTokens(batch: Batch, ids: NdArray, { input, mask, special }: TokenFacts): Questions | null {
  if (mask === null) return null;
  const [values, counted, width] = [numbersOf(ids), countedPositions(batch, ids), ids.dims.at(-1)!];
  const fed = Array.from(values);
  const targets = new BigInt64Array(fed.length);
  const counts = new Uint8Array(fed.length);
  const omitted = new Set([...special, mask]);
  for (const [row, block] of batch.blocks.entries()) {
    const draw = splitMix32(block + 1);
    for (let at = row * width; at < (row + 1) * width; at++) {
      if (draw() / 2 ** 32 >= MASKED_SHARE || !counted[at] || omitted.has(values[at]!)) continue;
      targets[at] = BigInt(values[at]!);
      counts[at] = 1;
      fed[at] = mask;
    }
  }
  return { feeds: { ...batch.feeds, [input]: arrayOf(ids.type, ids.dims, fed) }, targets, counts };
}

/**
 * Labels from 0 on; anything else (−1, −100) means that a row has none. Numbers with a fraction are no
 * classes.
 */
function classes({ feeds, labels, mask }: Batch): Questions | null {
  if (!labels) return null;
  const values = numbersOf(labels);
  const targets = new BigInt64Array(values.length);
  const counts = new Uint8Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const label = values[row]!;
    if (!Number.isInteger(label)) return null;
    if (label < 0 || (mask && !mask.data[row])) continue;
    targets[row] = BigInt(label);
    counts[row] = 1;
  }
  return { feeds, targets, counts };
}

/**
 * The same batch with the second half of every row overwritten by its first, and where the first halves are:
 * a model whose attention masks out the future answers there as before.
 */
export function withOtherFuture(
  batch: Batch,
  tokens: TokenFacts,
): { feeds: Record<string, NdArray>; before: Uint8Array } | null {
  const ids = batch.feeds[tokens.input];
  const width = ids?.dims.at(-1) ?? 0;
  if (!ids || width < 2) return null;
  const half = width >> 1;
  const values = Array.from(numbersOf(ids));
  const other = values.map((id, at) => (at % width < half ? id : values[at - half]!));
  const before = Uint8Array.from(values, (_, at) => (at % width < half ? 1 : 0));
  return { feeds: { ...batch.feeds, [tokens.input]: arrayOf(ids.type, ids.dims, other) }, before };
}

/** 1 for positions that count, in the order of the ids. */
function countedPositions({ mask }: Batch, ids: NdArray): ArrayLike<number> {
  return mask ? (mask.data as Uint8Array) : new Uint8Array(ids.data.length).fill(1);
}
