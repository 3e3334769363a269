import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accumulate, copyCounters, emptyCounters, mergeCounters } from '../../src/stats/counters.js';
import { decodeCounters, encodeCounters } from '../../src/stats/encoding.js';
import type { Counters } from '../../src/stats/types.js';
import { histogramsAgree } from '../../src/stats/value-histogram.js';
import { anyCounters, anyRows, countersOf, plain, someBins } from './counting.js';

const NEURONS = 3;
const counters = anyCounters(NEURONS);

describe('merge', () => {
  it('has empty counters as identity, with and without bins', () => {
    fc.assert(
      fc.property(counters, someBins, (a, bins) => {
        const none = emptyCounters(NEURONS);
        expect(plain(mergeCounters(a, none))).toEqual(plain(a));
        expect(plain(mergeCounters(none, a))).toEqual(plain(a));
        fc.pre(a.positions > 0);
        const empty = emptyCounters(NEURONS, { histogram: bins });
        expect(plain(mergeCounters(a, empty))).toEqual(plain(a));
        expect(plain(mergeCounters(empty, a))).toEqual(plain(a));
      }),
    );
  });

  it('is commutative', () => {
    fc.assert(
      fc.property(counters, counters, (a, b) => {
        expect(plain(mergeCounters(a, b))).toEqual(plain(mergeCounters(b, a)));
      }),
    );
  });

  it('is associative', () => {
    fc.assert(
      fc.property(counters, counters, counters, (a, b, c) => {
        const left = mergeCounters(mergeCounters(a, b), c);
        const right = mergeCounters(a, mergeCounters(b, c));
        expect(plain(left)).toEqual(plain(right));
      }),
    );
  });

  it('makes shards the whole, in any cut and order', () => {
    fc.assert(
      fc.property(anyRows(NEURONS), someBins, fc.integer({ min: 1, max: 5 }), (rows, bins, n) => {
        const shards = Array.from({ length: n }, (_, i) =>
          countersOf(
            rows.filter((_, row) => row % n === i),
            NEURONS,
            bins,
          ),
        );
        const merged = shards.reverse().reduce(mergeCounters);
        expect(plain(merged)).toEqual(plain(countersOf(rows, NEURONS, bins)));
      }),
    );
  });

  it('touches neither argument and shares nothing with them', () => {
    fc.assert(
      fc.property(counters, counters, (a, b) => {
        const before = [plain(a), plain(b)];
        const merged = mergeCounters(a, b);
        wipe(merged);
        expect([plain(a), plain(b)]).toEqual(before);
      }),
    );
  });

  it('equals accumulating in place', () => {
    fc.assert(
      fc.property(fc.array(counters, { maxLength: 5 }), (batches) => {
        const into = emptyCounters(NEURONS);
        for (const batch of batches) accumulate(into, batch);
        expect(plain(into)).toEqual(plain(batches.reduce(mergeCounters, emptyCounters(NEURONS))));
      }),
    );
  });

  it('equals merging what was encoded and decoded', () => {
    fc.assert(
      fc.property(counters, counters, (a, b) => {
        expect(plain(mergeCounters(reread(a), reread(b)))).toEqual(plain(mergeCounters(a, b)));
      }),
    );
  });

  it('keeps negative values apart from the ±Inf of an empty shard', () => {
    const merged = mergeCounters(countersOf([[-2], [-3]], 1), emptyCounters(1));
    expect([merged.min[0], merged.max[0], merged.sum[0]]).toEqual([-3, -2, -5]);
  });

  it('drops the histogram, and only that, where bins differ', () => {
    const a = countersOf([[1]], 1, { scale: 0.5, zeroPoint: 0 });
    const b = countersOf([[1]], 1, { scale: 0.5, zeroPoint: 1 });
    expect(histogramsAgree(a, b)).toBe(false);
    expect(histogramsAgree(a, emptyCounters(1))).toBe(true);
    expect(histogramsAgree(a, countersOf([[1]], 1))).toBe(false);
    const merged = mergeCounters(a, b);
    expect(merged.histogram).toBeNull();
    expect([merged.positions, merged.fired[0], merged.sum[0]]).toEqual([2, 2, 2]);
  });

  it('refuses counters of another number of neurons', () => {
    expect(() => mergeCounters(emptyCounters(2), emptyCounters(3))).toThrow('3 neurons');
  });
});

describe('encoding', () => {
  it('gives back the same bits, also of ±Inf, −0 and counts near 2^53', () => {
    const odd = emptyCounters(2);
    odd.fired.set([Number.MAX_SAFE_INTEGER, 0]);
    odd.sum.set([-0, Number.MIN_VALUE]);
    expect(reread(odd)).toEqual(odd);
    fc.assert(
      fc.property(counters, (a) => {
        expect(reread(a)).toEqual(a);
      }),
    );
  });

  it('is base64 of little-endian numbers', () => {
    const one = countersOf([[1]], 1);
    expect(encodeCounters(one).fired).toEqual({ dtype: 'f64', data: 'AAAAAAAA8D8=' });
    expect(encodeCounters(one).max).toEqual({ dtype: 'f32', data: 'AACAPw==' });
  });

  it('refuses a vector that is too short, with its name', () => {
    const encoded = encodeCounters(emptyCounters(2));
    const short = { ...encoded, sum: { dtype: 'f64' as const, data: 'AAAAAAAA8D8=' } };
    const rest = { positions: 0, histogram: null };
    expect(() => decodeCounters(short, 2, rest, '0.mlp_post')).toThrow(
      'expected perNeuron.sum of 0.mlp_post to hold 2 numbers, found 1',
    );
    const swapped = { ...encoded, min: encoded.sum };
    expect(() => decodeCounters(swapped, 2, rest)).toThrow('to hold f32, found f64');
  });
});

function reread(a: Counters): Counters {
  const encoded = JSON.parse(JSON.stringify(encodeCounters(a)));
  return decodeCounters(encoded, a.fired.length, {
    positions: a.positions,
    histogram: copyCounters(a).histogram,
  });
}

function wipe(merged: Counters): void {
  for (const value of Object.values(merged)) if (ArrayBuffer.isView(value)) (value as Float64Array).fill(7);
  merged.histogram?.counts.fill(7);
}
