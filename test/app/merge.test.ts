import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeReports } from '../../src/app/merge.js';
import { UserError } from '../../src/errors.js';
import { recompute } from '../../src/report/recompute.js';
import type { AuditReport } from '../../src/report/schema.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { reluRows, reportOf, siteOf } from '../report/fixture.js';
import { anyRows } from '../stats/counting.js';

const AT = '2026-01-02T03:04:05.000Z';
const NEURONS = 3;
const BLOCK = 2;

type Rows = number[][];

/** The report of the blocks i ≡ index mod count of the rows, as `--shard index/count` makes it. */
function shardOf(
  rows: Rows,
  index: number,
  count: number,
  more: Partial<AuditReport['data']> = {},
): AuditReport {
  const mine = rows.filter((_, row) => Math.floor(row / BLOCK) % count === index);
  const report = reportOf([
    siteOf('0.mlp_post', mine, { neurons: NEURONS }),
    siteOf(
      '1.mlp_post',
      mine.map((row) => row.map((a) => -2 * a)),
      { neurons: NEURONS },
    ),
  ]);
  const data = {
    ...report.data,
    shard: count === 1 ? null : { index, count },
    sequences: mine.length,
    ...more,
  };
  return recompute({ ...report, data });
}

const named = (reports: AuditReport[]) => reports.map((report, i) => ({ path: `${i}.json`, report }));
const merge = (...reports: AuditReport[]) => mergeReports(named(reports), AT);
/** Everything but how long it took. */
const facts = ({ runtime: _, ...report }: AuditReport) => report;

describe('merge', () => {
  it('of all shards equals the whole, histograms included, in any order', () => {
    const cut = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(anyRows(NEURONS), cut, fc.boolean(), (rows, count, reverse) => {
        const shards = Array.from({ length: count }, (_, index) => shardOf(rows, index, count));
        const merged = merge(...(reverse ? shards.reverse() : shards));
        expect(normal(facts(merged))).toEqual(normal(facts(shardOf(rows, 0, 1))));
      }),
    );
  });

  it('adds up in steps to the same', () => {
    const rows = reluRows(60, NEURONS, 1);
    const [a, b, c] = [0, 1, 2].map((index) => shardOf(rows, index, 3)) as [
      AuditReport,
      AuditReport,
      AuditReport,
    ];
    const partial = merge(c, a);
    expect(partial.data.shard).toEqual([
      { index: 0, count: 3 },
      { index: 2, count: 3 },
    ]);
    expect(partial.warnings.map(({ code }) => code)).toContain('incomplete-data');
    const all = merge(partial, b);
    expect(all.data.shard).toBeNull();
    expect(facts(all)).toEqual(facts(merge(a, b, c)));
  });

  it('leaves a single report as it is', () => {
    const shard = shardOf(reluRows(60, NEURONS, 1), 1, 2);
    expect(facts(merge(shard))).toEqual(facts(shard));
    const whole = shardOf(reluRows(60, NEURONS, 1), 0, 1);
    expect(facts(merge(whole))).toEqual(facts(whole));
  });

  it('adds durations, joins devices, keeps the largest memory and each warning once', () => {
    const [a, b] = [0, 1].map((index) => shardOf(reluRows(60, NEURONS, 1), index, 2)) as [
      AuditReport,
      AuditReport,
    ];
    a.warnings.unshift({ code: 'guess', message: 'Same.' }, { code: 'guess', message: 'Only a.' });
    b.warnings.unshift({ code: 'guess', message: 'Same.' });
    b.runtime = { ...b.runtime, device: 'cuda', peakRssBytes: null };
    const merged = merge(a, b);
    expect(merged.runtime).toEqual({
      device: 'cpu, cuda',
      provider: 'CPUExecutionProvider',
      onnxruntime: '1.30.0',
      durationSeconds: 25,
      positionsPerSecond: 60 / 25,
      peakRssBytes: 300_000_000,
    });
    expect(merged.warnings.map(({ message }) => message).slice(0, 2)).toEqual(['Same.', 'Only a.']);
    expect(merged.warnings.map(({ code }) => code)).toEqual(['guess', 'guess', 'resolution']);
  });

  it('is incomplete when a shard is', () => {
    const rows = reluRows(60, NEURONS, 1);
    const merged = merge(shardOf(rows, 0, 2), shardOf(rows, 1, 2, { complete: false }));
    expect([merged.data.shard, merged.data.complete]).toEqual([null, false]);
  });

  it('keeps the counters and drops the histogram where edges differ, with a warning', () => {
    const rows = reluRows(60, NEURONS, 1);
    const [a, b] = [0, 1].map((index) => shardOf(rows, index, 2)) as [AuditReport, AuditReport];
    b.sites[0] = siteOf(
      '0.mlp_post',
      rows.filter((_, row) => row % 4 > 1),
      { bins: { scale: 0.5, zeroPoint: 3 } },
    );
    const merged = merge(a, b);
    expect(merged.sites[0]!.values).toMatchObject({ histogram: null, scale: null, zeroPoint: null });
    expect(merged.sites[1]!.values.histogram).not.toBeNull();
    const { fired, min, max } = shardOf(rows, 0, 1).sites[0]!.perNeuron;
    expect(merged.sites[0]!.perNeuron).toMatchObject({ fired, min, max });
    expect(merged.warnings[0]).toMatchObject({ code: 'histogram-dropped', site: '0.mlp_post' });
  });

  it('leaves out what cannot be merged', () => {
    const [a, b] = [0, 1].map((index) => shardOf(reluRows(60, NEURONS, 1), index, 2)) as [
      AuditReport,
      AuditReport,
    ];
    const merged = merge({ ...a, graph: [], gate: { status: 'passed', rules: [] } }, b);
    expect([merged.graph, merged.gate]).toEqual([undefined, undefined]);
    expect(merged.warnings.map(({ code }) => code)).toContain('not-merged');
  });

  const rows = reluRows(60, NEURONS, 1);
  const a = shardOf(rows, 0, 2);
  const b = shardOf(rows, 1, 2);
  const sha = 'cd'.repeat(32);
  const sum = { criterion: completeCriterion({ dead: 'sum' }) };
  it.each<[string, AuditReport, string]>([
    [
      'another model',
      { ...b, model: { ...b.model, graphSha256: sha } },
      'another model (graphSha256 differs)',
    ],
    [
      'other weights',
      { ...b, model: { ...b.model, files: [{ ...b.model.files[0]!, sha256: sha }] } },
      'a model with other weights',
    ],
    ['another criterion', { ...b, criterion: { ...b.criterion, ...sum.criterion } }, 'another criterion'],
    ['another threshold', { ...b, criterion: { ...b.criterion, threshold: 1 } }, 'another criterion'],
    ['another tokenizer', shardOf(rows, 1, 2, { tokenizer: 'other' }), '"tokenizer.json" and "other"'],
    ['other data', shardOf(rows, 1, 2, { name: 'wikitext' }), 'is of other data'],
    ['another split', shardOf(rows, 1, 2, { split: 'valid' }), 'is of other data'],
    ['another sequence length', shardOf(rows, 1, 2, { seqLen: 64 }), 'another sequence length'],
    ['other sites', { ...b, sites: b.sites.slice(1) }, 'other sites'],
    ['an overlapping shard', a, '`0.json` and `1.json` overlap: both hold shard 0 of 2'],
    ['a shard of another number', shardOf(rows, 1, 3), 'is shard 1 of 3, but the others are of 2'],
    ['the whole data', shardOf(rows, 0, 1), '`1.json` is of the whole data'],
  ])('refuses %s', (_, other, sentence) => {
    expect(() => merge(a, other)).toThrow(UserError);
    expect(() => merge(a, other)).toThrow(sentence);
  });

  it('refuses an overlap with a partly merged report, and nothing at all', () => {
    const partial = merge(shardOf(rows, 0, 3), shardOf(rows, 1, 3));
    expect(() => merge(partial, shardOf(rows, 1, 3))).toThrow('both hold shard 1 of 3');
    expect(() => merge()).toThrow('at least one shard');
  });

  it('does not mind a report without hashes', () => {
    const bare = { ...a, model: { ...a.model, files: [{ ...a.model.files[0]!, sha256: null }] } };
    expect(merge(bare, b).model.files).toEqual(b.model.files);
  });
});

/** Through JSON and without −0: what a file would say. */
function normal(report: object): unknown {
  return JSON.parse(JSON.stringify(report, (key, value) => (key === 'perNeuron' ? decoded(value) : value)));
}

function decoded(perNeuron: AuditReport['sites'][number]['perNeuron']): object {
  return Object.fromEntries(
    Object.entries(perNeuron).map(([name, { dtype, data }]) => {
      const bytes = new Uint8Array(Buffer.from(data, 'base64')).buffer;
      const array = dtype === 'f64' ? new Float64Array(bytes) : new Float32Array(bytes);
      return [name, Array.from(array, (x) => (x === 0 ? 0 : String(x)))];
    }),
  );
}
