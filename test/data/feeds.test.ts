import { describe, expect, it } from 'vitest';
import { planFeeds } from '../../src/data/feeds.js';
import { DataType } from '../../src/onnx/data-types.js';
import { input } from './support.js';

const rows = { batch: 2, seqLen: 3, ids: Int32Array.from([5, 6, 7, 8, 9, 10]), mask: null };

function dimsOf(feeds: Record<string, { dims: number[]; type: string }>) {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dims, type }]) => [name, `${type} [${dims}]`]),
  );
}

describe('feeding text', () => {
  it('fills all that a decoder export with an empty cache asks for', () => {
    const plan = planFeeds(
      [
        input('input_ids', ['batch_size', 'sequence_length']),
        input('attention_mask', ['batch_size', 'past_sequence_length + sequence_length']),
        input('position_ids', ['batch_size', 'sequence_length'], DataType.INT32),
        input('past_key_values.0.key', ['batch_size', 4, 'past_sequence_length', 8], DataType.FLOAT16),
        input('past_key_values.0.value', ['batch_size', 4, null, 8], DataType.FLOAT),
        input('past_0', [2, 'batch', 4, 'past', 8], DataType.FLOAT),
        input('use_cache_branch', [1], DataType.BOOL),
        input('cache_position', ['sequence_length']),
      ],
      undefined,
      0,
    );
    const feeds = plan.fill(rows);
    expect(dimsOf(feeds)).toEqual({
      input_ids: 'int64 [2,3]',
      attention_mask: 'int64 [2,3]',
      position_ids: 'int32 [2,3]',
      'past_key_values.0.key': 'float16 [2,4,0,8]',
      'past_key_values.0.value': 'float32 [2,4,0,8]',
      past_0: 'float32 [2,2,4,0,8]',
      use_cache_branch: 'bool [1]',
      cache_position: 'int64 [3]',
    });
    expect([...(feeds.position_ids!.data as Int32Array)]).toEqual([0, 1, 2, 0, 1, 2]);
    expect([...(feeds.use_cache_branch!.data as Uint8Array)]).toEqual([0]);
    expect(feeds['past_key_values.0.key']!.data).toBeInstanceOf(Uint16Array);
    expect([...(feeds.input_ids!.data as BigInt64Array)]).toEqual([5n, 6n, 7n, 8n, 9n, 10n]);
  });

  it('masks padding, and the cache of an export that fixes its length', () => {
    const plan = planFeeds(
      [
        input('input_ids', ['b', 's']),
        input('attention_mask', ['b', 't'], DataType.FLOAT),
        input('past_key_values.0.key', ['b', 4, 2, 8], DataType.FLOAT),
        input('position_ids', [1, 's']),
      ],
      undefined,
      0,
    );
    expect(plan.maskable).toBe(true);
    const feeds = plan.fill({ ...rows, mask: Uint8Array.from([1, 1, 1, 1, 1, 0]) });
    expect([...(feeds.attention_mask!.data as Float32Array)]).toEqual([0, 0, 1, 1, 1, 0, 0, 1, 1, 0]);
    expect(feeds.attention_mask!.dims).toEqual([2, 5]);
    expect([...(feeds.position_ids!.data as BigInt64Array)]).toEqual([2n, 3n, 4n]);
  });

  it('fills both sides of an encoder and decoder, the second shifted', () => {
    const plan = planFeeds(
      [input('input_ids', ['b', 's']), input('decoder_input_ids', ['b', 't'])],
      undefined,
      1,
    );
    expect(plan.maskable).toBe(false);
    const feeds = plan.fill(rows);
    expect([...(feeds.decoder_input_ids!.data as BigInt64Array)]).toEqual([1n, 5n, 6n, 1n, 8n, 9n]);
  });

  it('knows BERT by the names of older exporters, and ids of rank 3', () => {
    const bert = planFeeds(
      [
        input('input_ids:0', ['b', 's']),
        input('input_mask:0', ['b', 's']),
        input('segment_ids:0', ['b', 's']),
      ],
      undefined,
      0,
    );
    expect(Object.keys(bert.fill(rows))).toEqual(['input_ids:0', 'input_mask:0', 'segment_ids:0']);
    const zoo = planFeeds([input('input1', ['a', 'b', 'c'])], undefined, 0);
    expect(zoo.fill(rows).input1!.dims).toEqual([1, 2, 3]);
  });

  it('asks a plugin first', () => {
    const language = input('language', ['b'], DataType.INT64);
    const feeder = {
      roles: [
        {
          name: 'language',
          fits: ({ name }: { name: string }) => name === 'language',
          fill: () => ({ type: 'int64' as const, dims: [2], data: BigInt64Array.of(3n, 3n) }),
        },
      ],
    };
    const plan = planFeeds([input('input_ids', ['b', 's']), language], feeder, 0);
    expect(plan.fill(rows).language!.dims).toEqual([2]);
  });

  it('names an input nobody can fill, with its type, its shape and what to do', () => {
    const inputs = [
      input('input_ids', ['b', 's']),
      input('encoder_hidden_states', ['b', 'encoder_s', 512], DataType.FLOAT),
    ];
    expect(() => planFeeds(inputs, undefined, 0)).toThrow(
      'The model\'s input "encoder_hidden_states" (float32 [b, encoder_s, 512]) cannot be filled from text; supply all ' +
        'inputs as arrays named after them with --data feeds.npz.',
    );
    expect(() => planFeeds([input('attention_mask', ['b', 's'])], undefined, 0)).toThrow(/takes token ids/);
  });
});
