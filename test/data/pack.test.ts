import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockBudget, blocksInShard, inShard } from '../../src/data/blocks.js';
import { prefetch } from '../../src/data/prefetch.js';
import { packBlocks, textIds } from '../../src/data/tokens/pack.js';
import { collect } from './support.js';

async function* each<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}

const pieces = fc.array(fc.array(fc.nat(999), { maxLength: 12 }), { maxLength: 30 });
const packing = fc.record({
  prefix: fc.array(fc.constant(1001), { maxLength: 2 }),
  suffix: fc.array(fc.constant(1002), { maxLength: 2 }),
  room: fc.integer({ min: 1, max: 9 }),
});

describe('packing', () => {
  it('puts every token in exactly one block, in order', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, packing, async (ids, { prefix, suffix, room }) => {
        const seqLen = prefix.length + room + suffix.length;
        const blocks = await collect(packBlocks(each(ids), seqLen, { prefix, suffix }));
        const inside = blocks.flatMap((block) => [
          ...block.slice(prefix.length, block.length - suffix.length),
        ]);
        expect(inside).toEqual(ids.flat());
      }),
    );
  });

  it('fills all blocks but the last, each between prefix and suffix', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, packing, async (ids, { prefix, suffix, room }) => {
        const seqLen = prefix.length + room + suffix.length;
        const blocks = await collect(packBlocks(each(ids), seqLen, { prefix, suffix }));
        for (const [index, block] of blocks.entries()) {
          if (index < blocks.length - 1) expect(block.length).toBe(seqLen);
          expect(block.length).toBeGreaterThan(prefix.length + suffix.length);
          expect([...block.slice(0, prefix.length)]).toEqual(prefix);
          expect([...block.slice(block.length - suffix.length)]).toEqual(suffix);
        }
        expect(blocks.length).toBe(Math.ceil(ids.flat().length / room));
      }),
    );
  });

  it('does not depend on how the lines were cut into chunks', async () => {
    const lines = fc.array(fc.option(fc.stringMatching(/^[a-c ]{0,9}\n?$/), { nil: null }), {
      maxLength: 20,
    });
    const encoder = {
      endOfText: 0,
      encode: (line: string) => [...line].map((letter) => letter.charCodeAt(0)),
    };
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 5 }), async (all, size) => {
        const chunks: (string | null)[][] = [];
        for (let at = 0; at < all.length; at += size) chunks.push(all.slice(at, at + size));
        const whole = await collect(textIds(each([all]), encoder));
        expect(await collect(textIds(each(chunks), encoder))).toEqual(whole);
      }),
    );
  });

  it('separates documents, and ends none', async () => {
    const encoder = { endOfText: 9, encode: (line: string) => [line.length] };
    const ids = await collect(textIds(each([['a', null, '  ', 'bb', null, null, 'ccc', null]]), encoder));
    expect(ids.flat()).toEqual([1, 9, 2, 9, 3]);
  });

  it('stops reading at the limit', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 1;
        yield [1, 2, 3];
      }
    }
    const blocks = await collect(packBlocks(endless(), 4, { prefix: [], suffix: [] }, 3));
    expect(blocks).toHaveLength(3);
    expect(read).toBe(4);
  });
});

describe('the budget and its shards', () => {
  it('pays for ⌈tokens / seqLen⌉ blocks', () => {
    expect(blockBudget(65_536, 256)).toBe(256);
    expect(blockBudget(65_537, 256)).toBe(257);
    expect(blockBudget(1, 256)).toBe(1);
    expect(blockBudget('all', 256)).toBe(Number.POSITIVE_INFINITY);
  });

  it('partitions the blocks over the shards', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.integer({ min: 1, max: 8 }), (blocks, count) => {
        const owners = Array.from({ length: blocks }, (_, block) =>
          Array.from({ length: count }, (_, index) => index).filter((index) =>
            inShard(block, { index, count }),
          ),
        );
        for (const owner of owners) expect(owner).toHaveLength(1);
        for (let index = 0; index < count; index++) {
          const mine = owners.filter(([owner]) => owner === index).length;
          expect(blocksInShard(blocks, { index, count })).toBe(mine);
        }
      }),
    );
  });
});

describe('prefetch', () => {
  it('gives the same items in order, whatever the depth', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat()), fc.integer({ min: 1, max: 5 }), async (items, depth) => {
        expect(await collect(prefetch(each(items), depth))).toEqual(items);
      }),
    );
  });

  it('works ahead up to its depth, and stops the source when the reader leaves', async () => {
    let made = 0;
    let closed = false;
    async function* source() {
      try {
        for (;;) yield made++;
      } finally {
        closed = true;
      }
    }
    for await (const item of prefetch(source(), 3)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(made).toBe(item + 4);
      if (item === 2) break;
    }
    expect(closed).toBe(true);
  });

  it('throws an error where it stands in the order', async () => {
    async function* source() {
      yield 1;
      throw new Error('broken');
    }
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const item of prefetch(source())) seen.push(item);
      })(),
    ).rejects.toThrow('broken');
    expect(seen).toEqual([1]);
  });
});
