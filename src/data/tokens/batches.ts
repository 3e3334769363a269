import type { FeedPlan } from '../feeds.js';
import type { Batch } from '../types.js';
import type { Encoder } from './encoder.js';
import type { TextShape } from './shape.js';

/** A numbered block of the whole data set, ids [seqLen] or shorter. */
export interface Block {
  index: number;
  ids: Int32Array;
}

interface Parts {
  encoder: Pick<Encoder, 'pad'>;
  plan: Pick<FeedPlan, 'fill'>;
  shape: TextShape;
}

/**
 * Gathers blocks into batches of up to `batchSize` rows of equal length, in order.
 *
 * @param after Batches are skipped unless their first block has a greater number.
 */
export async function* toBatches(
  blocks: AsyncIterable<Block>,
  parts: Parts,
  after = -1,
): AsyncGenerator<Batch> {
  const { batchSize, seqLen, fixedSeqLen } = parts.shape;
  let rows: Block[] = [];
  for await (const block of blocks) {
    const ownBatch = block.ids.length < seqLen && !fixedSeqLen;
    if (ownBatch && rows.length > 0) {
      if (rows[0]!.index > after) yield makeBatch(rows, parts);
      rows = [];
    }
    rows.push(block);
    if (rows.length < batchSize && !ownBatch) continue;
    if (rows[0]!.index > after) yield makeBatch(rows, parts);
    rows = [];
  }
  if (rows.length > 0 && rows[0]!.index > after) yield makeBatch(rows, parts);
}

/**
 * Returns one batch. If the file fixes a size there is always a mask, so that one overlay serves all batches.
 * Rows beyond the blocks are copies of the first row: the model attends to them, and only the counts leave
 * them out.
 */
function makeBatch(blocks: Block[], { encoder, plan, shape }: Parts): Batch {
  const batch = shape.fixedBatch ? shape.batchSize : blocks.length;
  const seqLen = shape.fixedSeqLen ? shape.seqLen : blocks[0]!.ids.length;
  const ids = new Int32Array(batch * seqLen).fill(encoder.pad);
  const attended = new Uint8Array(batch * seqLen);
  const counted = new Uint8Array(batch * seqLen);
  let positions = 0;
  for (let row = 0; row < batch; row++) {
    const block = blocks[row] ?? blocks[0]!;
    ids.set(block.ids, row * seqLen);
    attended.fill(1, row * seqLen, row * seqLen + block.ids.length);
    if (row >= blocks.length) continue;
    counted.fill(1, row * seqLen, row * seqLen + block.ids.length);
    positions += block.ids.length;
  }
  const padded = attended.includes(0);
  return {
    feeds: plan.fill({ batch, seqLen, ids, mask: padded ? attended : null }),
    blocks: blocks.map((block) => block.index),
    sequences: blocks.length,
    positions,
    mask:
      shape.fixedBatch || shape.fixedSeqLen ? { type: 'bool', dims: [batch, seqLen], data: counted } : null,
  };
}
