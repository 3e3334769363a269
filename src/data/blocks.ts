import type { Shard } from './spec.js';

/**
 * Returns the number of blocks that a budget of positions pays for: ⌈tokens / positionsPerBlock⌉. The last
 * may go over it.
 */
export function blockBudget(tokens: number | 'all', positionsPerBlock: number): number {
  return tokens === 'all' ? Number.POSITIVE_INFINITY : Math.ceil(tokens / positionsPerBlock);
}

/**
 * True if the block belongs to the shard. Without a shard all do. The shards partition the budgeted blocks.
 */
export function inShard(block: number, shard: Shard | undefined): boolean {
  return shard === undefined || block % shard.count === shard.index % shard.count;
}

/** Returns the number of the first `blocks` blocks that belong to the shard. */
export function blocksInShard(blocks: number, shard: Shard | undefined): number {
  if (shard === undefined) return blocks;
  const index = shard.index % shard.count;
  return index >= blocks ? 0 : Math.ceil((blocks - index) / shard.count);
}
