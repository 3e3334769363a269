import { describe, expect, it } from 'vitest';
import { bucketed, extractOf, valueBuckets } from '../../../src/exporter/metrics/extract.js';
import { FREQUENCY_BOUNDS, VALUE_BOUNDS } from '../../../src/exporter/metrics/names.js';
import { addAudit, NO_TOTALS } from '../../../src/exporter/metrics/totals.js';
import { withGate } from '../../../src/report/gate.js';
import type { AuditReport } from '../../../src/report/schema.js';
import { reluRows, reportOf, siteOf, smallReport } from '../../report/fixture.js';

const total = (counts: number[]) => counts.reduce((sum, n) => sum + n, 0);

describe('the extract of a report', () => {
  it('puts every neuron and every value into a bucket', () => {
    const report = smallReport();
    const extract = extractOf(report);
    for (const [i, site] of extract.sites.entries()) {
      expect(total(site.frequency.counts)).toBe(site.neurons);
      expect(total(site.values!.counts)).toBe(site.neurons * report.sites[i]!.positions);
    }
    const dead = extract.sites.find(({ id }) => id === '1.mlp_post')!;
    expect(dead.dead).toBe(4);
    expect(dead.frequency.counts[0]).toBe(4);
  });

  it('counts newly dead and revived neurons against the audit before', () => {
    const before = reportOf([siteOf('0.mlp_post', reluRows(3200, 16, 5))]);
    const after = reportOf([siteOf('0.mlp_post', reluRows(3200, 16, 2))]);
    expect(extractOf(after, before).sites[0]).toMatchObject({ newlyDead: 0, revived: 3 });
    expect(extractOf(before, after).sites[0]).toMatchObject({ newlyDead: 3, revived: 0 });
    expect(extractOf(after).sites[0]).toMatchObject({ newlyDead: null, revived: null });
    const wider = reportOf([siteOf('0.mlp_post', reluRows(3200, 17, 2))]);
    expect(extractOf(wider, before).sites[0]).toMatchObject({ newlyDead: null, revived: null });
  });

  it('has one entry per gate rule, however many sites it was applied to', () => {
    const judged = withGate(smallReport(), ['*.mlp_post.dead_ratio > 0.1', 'mlp_post.dead_ratio > 0.5'], {
      baseline: smallReport(),
    });
    expect(extractOf(judged).gate).toEqual({
      status: 'failed',
      rules: [
        { rule: '*.mlp_post.dead_ratio > 0.1', passed: false, site: '1.mlp_post', value: 0.125 },
        { rule: 'mlp_post.dead_ratio > 0.5', passed: true, site: 'mlp_post', value: 4 / 64 },
        { rule: '*.dead_ratio - baseline > 0', passed: true, site: '0.mlp_pre', value: 0 },
      ],
    });
  });

  it('is the same after JSON', () => {
    const extract = extractOf(smallReport());
    expect(JSON.parse(JSON.stringify(extract))).toEqual(extract);
  });
});

describe('buckets', () => {
  it('include their upper bound', () => {
    expect(bucketed([0, 0.001, 0.0011, 1], FREQUENCY_BOUNDS)).toEqual([1, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
  });

  it('take a bin where its centre lies', () => {
    const counts = new Float64Array(256);
    counts[128] = 5; // 0
    counts[129] = 3; // 0.1
    counts[255] = 2; // 12.7
    const buckets = valueBuckets({ scale: 0.1, zeroPoint: 128, counts });
    expect(buckets[VALUE_BOUNDS.indexOf(0.01)]).toBe(5);
    expect(buckets[VALUE_BOUNDS.indexOf(0.1)]).toBe(3);
    expect(buckets[VALUE_BOUNDS.indexOf(30)]).toBe(2);
    expect(total(buckets)).toBe(10);
  });

  it('are in increasing order of their bounds', () => {
    for (const bounds of [FREQUENCY_BOUNDS, VALUE_BOUNDS])
      expect([...bounds].sort((a, b) => a - b)).toEqual([...bounds]);
  });
});

describe('the content of a file', () => {
  it('is told by hashes, and without them by the graph and the sizes', () => {
    const contentOf = (change: (report: AuditReport) => void) => {
      const report = smallReport(1, {}, 20);
      change(report);
      return extractOf(report).file;
    };
    const same = contentOf(() => {});
    const [file] = smallReport().model.files;
    expect(contentOf(({ model }) => Object.assign(model, { step: 7 }))).toBe(same);
    const changes: object[] = [
      { files: [{ ...file!, sha256: 'cd'.repeat(32) }] },
      { files: [{ ...file!, sha256: null }] },
      { files: [{ ...file!, sha256: null, bytes: 5 }] },
      { graphSha256: 'ef'.repeat(32) },
    ];
    const contents = changes.map((change) => contentOf(({ model }) => Object.assign(model, change)));
    expect(new Set([same, ...contents]).size).toBe(5);
  });
});

describe('totals', () => {
  it('start anew for a site when the file was replaced, but for positions', () => {
    const before = extractOf(smallReport());
    const after = { ...before, file: 'another' };
    const totals = addAudit(addAudit(NO_TOTALS, before), after);
    expect(totals.positions).toBe(2 * before.positions);
    expect(totals.sites).toEqual(addAudit(NO_TOTALS, after).sites);
    const { file: _, ...unknown } = before;
    expect(addAudit(totals, unknown).sites['0.mlp_pre']).not.toEqual(totals.sites['0.mlp_pre']);
  });

  it('add up audits and leave their arguments alone', () => {
    const extract = extractOf(smallReport());
    const once = addAudit(NO_TOTALS, extract);
    const twice = addAudit(once, extract);
    expect(NO_TOTALS).toEqual({ positions: 0, sites: {} });
    expect(twice.positions).toBe(2 * once.positions);
    const [a, b] = [once, twice].map((totals) => total(totals.sites['0.mlp_pre']!.values.counts));
    expect(b).toBe(2 * a!);
  });
});
