import type { Shard } from './spec.js';

/**
 * Blocks that a budget of positions pays for: ⌈tokens / positionsPerBlock⌉, so the last block may go over it.
 */
export function blockBudget(tokens: number | 'all', positionsPerBlock: number): number {
  return tokens === 'all' ? Number.POSITIVE_INFINITY : Math.ceil(tokens / positionsPerBlock);
}

/** Whether the block is one of the shard's; without a shard all are. The shards partition the budgeted blocks. */
export function inShard(block: number, shard: Shard | undefined): boolean {
  return shard === undefined || block % shard.count === shard.index % shard.count;
}

/** How many of the first `blocks` blocks are the shard's. */
export function blocksInShard(blocks: number, shard: Shard | undefined): number {
  if (shard === undefined) return blocks;
  const index = shard.index % shard.count;
  return index >= blocks ? 0 : Math.ceil((blocks - index) / shard.count);
}
