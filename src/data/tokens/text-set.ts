import { UserError } from '../../errors.js';
import { blockBudget, blocksInShard, inShard } from '../blocks.js';
import type { FeedPlan } from '../feeds.js';
import { prefetch } from '../prefetch.js';
import type { Shard, Warning } from '../spec.js';
import type { TextSource } from '../text/source.js';
import type { DataSet } from '../types.js';
import { type Block, toBatches } from './batches.js';
import type { Encoder } from './encoder.js';
import { packBlocks, textIds } from './pack.js';
import { automaticBatch, type TextShape } from './shape.js';

/** Texts up to this size are tokenized at once when opened, so that the number of positions is known. */
const smallBytes = 300_000;
/**
 * A text with more bytes than this for each token of the budget is taken to fill it: English has 4 to 5 bytes
 * a token.
 */
const bytesPerToken = 8;

/** Parts of {@link textSet}. */
export interface TextSetParts {
  source: TextSource;
  encoder: Encoder;
  plan: FeedPlan;
  shape: TextShape;
  tokens: number | 'all';
  shard: Shard | undefined;
  warnings: Warning[];
}

/**
 * Cuts text into batches of full blocks.
 *
 * The text makes ⌈tokens / seqLen⌉ blocks, or fewer if it ends before. A last short block is a batch of its
 * own, with a shorter sequence. If the file fixes the length, the short block is padded; if the model takes
 * no attention mask either, it is dropped with a warning. If the file fixes the batch, the last one is filled
 * up with copies of its first row, which the mask leaves out of every count. Tokenizing runs ahead of the
 * reader.
 *
 * @throws UserError when the text does not fill a single block that can be fed.
 */
export async function textSet(parts: TextSetParts): Promise<DataSet> {
  const { source, encoder, shape, shard, plan } = parts;
  const limit = blockBudget(parts.tokens, shape.seqLen);
  const makeBlocks = () => packBlocks(textIds(source.lines(), encoder), shape.seqLen, encoder, limit);
  const usable = (ids: Int32Array) => ids.length === shape.seqLen || !shape.fixedSeqLen || plan.maskable;
  const large = source.bytes === null || source.bytes > smallBytes;
  const enough = source.bytes !== null && source.bytes >= limit * shape.seqLen * bytesPerToken;
  const kept = large || enough ? null : await collect(makeBlocks());

  async function* blocks(of: Shard | undefined): AsyncGenerator<Block> {
    let index = -1;
    for await (const ids of kept ?? makeBlocks()) {
      index += 1;
      if (!usable(ids)) dropped(parts.warnings, ids.length, shape.seqLen);
      else if (inShard(index, of)) yield { index, ids };
    }
    if (index < 0 || (index === 0 && of === undefined && kept !== null && !usable(kept[0]!))) {
      throw new UserError(
        `The text is shorter than one block of ${shape.seqLen} tokens, the length the model fixes.`,
        'data-too-short',
      );
    }
  }

  return {
    description: {
      name: source.name,
      variant: source.variant,
      split: source.split,
      tokenizer: encoder.name,
      seqLen: shape.seqLen,
      batchSize: shape.batchSize,
    },
    kind: 'text',
    masked: shape.fixedSeqLen || shape.fixedBatch,
    census: false,
    warnings: parts.warnings,
    positions: countPositions(),
    tokens: {
      input: plan.ids.name,
      mask: encoder.mask ?? null,
      special: [...encoder.prefix, ...encoder.suffix, encoder.pad],
    },
    async rangeBatch() {
      // Never more rows than asked for: the model or the memory may not take them.
      const rows = shape.fixedBatch
        ? shape.batchSize
        : Math.min(shape.batchSize, automaticBatch(shape.seqLen));
      const wanted = { ...parts, shape: { ...shape, batchSize: rows } };
      for await (const batch of toBatches(blocks(undefined), wanted)) return batch;
      throw new UserError('The text gives no tokens.', 'data-no-text');
    },
    batches: (after = -1) => prefetch(toBatches(blocks(shard), parts, after)),
  };

  function countPositions(): number | null {
    if (kept !== null) {
      const counted = kept.filter((ids, index) => usable(ids) && inShard(index, shard));
      return counted.reduce((sum, ids) => sum + ids.length, 0);
    }
    return enough && Number.isFinite(limit) ? blocksInShard(limit, shard) * shape.seqLen : null;
  }
}

function dropped(warnings: Warning[], length: number, seqLen: number): void {
  if (warnings.some((warning) => warning.code === 'last-block-dropped')) return;
  warnings.push({
    code: 'last-block-dropped',
    message:
      `The last ${length} tokens were left out: the model fixes sequences of ${seqLen} and takes no attention mask, ` +
      'so a shorter one cannot be padded.',
  });
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
