import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { siteReport } from '../../src/report/build.js';
import { recompute, siteCounters } from '../../src/report/recompute.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { anyCounters } from '../stats/counting.js';
import { metaOf, reluRows, reportOf, siteOf, smallReport } from './fixture.js';

describe('site report', () => {
  it('says what was counted, by hand', () => {
    const site = siteOf('5.mlp_post', [
      [0, 1, -2],
      [0, 0, 4],
    ]);
    expect(site).toMatchObject({
      id: '5.mlp_post',
      layer: 5,
      neurons: 3,
      positions: 2,
      dead: 1,
      deadRatio: 1 / 3,
      deadNeurons: [0],
      flags: { silent: 1, neverPositive: 1, dormant: 1, constant: 1, saturated: 0, nonFinite: 0 },
      frequency: { min: 0, p50: 0.5, max: 1, mean: 0.5 },
      values: { min: -2, max: 4, mean: 0.5, std: expect.closeTo(Math.sqrt(21 / 6 - 0.25), 12) },
    });
    expect(site.values.histogram!.counts.reduce((a, b) => a + b)).toBe(6);
  });

  it('has no ratio where there is no data', () => {
    const site = siteOf('0.mlp_post', [], { neurons: 4 });
    expect([site.dead, site.deadRatio, site.values.mean, site.frequency.mean]).toEqual([0, null, null, null]);
    expect(reportOf([site]).summary.deadRatio).toBeNull();
  });

  it('gives back its counters', () => {
    fc.assert(
      fc.property(anyCounters(3), (counters) => {
        expect(siteCounters(siteReport(metaOf('0.mlp_pre'), counters, completeCriterion()))).toEqual(
          counters,
        );
      }),
    );
  });
});

describe('report', () => {
  const sites = [
    siteOf('0.mlp_pre', reluRows(4000, 4, 4)),
    siteOf('0.mlp_post.expert0', reluRows(4000, 4, 1)),
    siteOf('0.mlp_post.expert1', reluRows(4000, 8, 5)),
    siteOf('1.attn_out', reluRows(4000, 2, 0)),
    siteOf('decoder.1.mlp_post', reluRows(4000, 4, 0)),
  ];

  it('counts only mlp_post neurons into the ratios of layers and model', () => {
    const { layers, summary } = reportOf(sites);
    expect(layers).toEqual([
      { stack: '', layer: 0, deadRatio: 6 / 12 },
      { stack: '', layer: 1, deadRatio: null },
      { stack: 'decoder', layer: 1, deadRatio: 0 },
    ]);
    expect(summary.deadRatio).toBe(6 / 16);
    expect(summary.bySite).toEqual({
      mlp_pre: { neurons: 4, dead: 4, deadRatio: 1, worst: { id: '0.mlp_pre', deadRatio: 1 } },
      mlp_post: {
        neurons: 16,
        dead: 6,
        deadRatio: 6 / 16,
        worst: { id: '0.mlp_post.expert1', deadRatio: 5 / 8 },
      },
      attn_out: { neurons: 2, dead: 0, deadRatio: 0, worst: { id: '1.attn_out', deadRatio: 0 } },
    });
    // 6 dead mlp_post neurons with 8 incoming weights, a bias, 8 outgoing weights each.
    expect(summary.capacity.active).toBe(1_124_352 - 6 * 17);
  });

  it('takes incoming weights from mlp_pre where mlp_post names none', () => {
    const out = metaOf('0.mlp_post').weights.filter(({ role }) => role === 'out');
    const pair = [sites[0]!, siteOf('0.mlp_post', reluRows(4000, 4, 1), { weights: out })];
    expect(reportOf(pair).summary.capacity.active).toBe(1_124_352 - 17);
  });

  it('warns of a resolution coarser than the limit, once, and not of a census', () => {
    const few = smallReport(2, {}, 500);
    expect(few.criterion.resolution).toBe(0.006);
    expect(few.warnings).toEqual([
      {
        code: 'resolution',
        message:
          '500 positions cannot tell a frequency below 0.6% from zero, but the limit for dead is 0.1%: ' +
          'audit at least 3,000 positions.',
      },
    ]);
    const census = smallReport(2, { census: true }, 500);
    expect([census.criterion.resolution, census.warnings]).toEqual([null, []]);
    expect(smallReport(2, {}, 3000).warnings).toEqual([]);
    expect(smallReport(2, { criterion: completeCriterion({ dead: 'silent' }) }, 500).warnings).toEqual([]);
  });

  it('names the sites that saw too few positions where others saw enough', () => {
    const { warnings, criterion } = reportOf([siteOf('0.mlp_post', reluRows(100, 2, 0)), ...sites]);
    expect(criterion.resolution).toBe(0.03);
    expect(warnings.map(({ code, site }) => [code, site])).toEqual([['resolution', '0.mlp_post']]);
  });

  it('warns of sums at signed sites, non-finite values, missing and incomplete data', () => {
    const criterion = completeCriterion({ dead: 'sum' });
    const odd = [
      siteOf('0.mlp_pre', [[1, 2]]),
      siteOf('0.mlp_post', [[1, 2]]),
      siteOf('1.mlp_post', [[1, -2]]),
      siteOf('2.mlp_post', [[Number.NaN, 1]]),
      siteOf('3.mlp_post', [], { neurons: 2 }),
    ];
    const data = { ...reportOf(odd).data, complete: false };
    const { warnings } = reportOf(odd, { criterion, data });
    expect(warnings.map(({ code, site }) => [code, site])).toEqual([
      ['incomplete-data', undefined],
      ['no-data', '3.mlp_post'],
      ['non-finite', '2.mlp_post'],
      ['signed-sum', '0.mlp_pre'],
      ['signed-sum', '1.mlp_post'],
    ]);
  });
});

describe('recompute', () => {
  it('gives the same report again, without the verdict', () => {
    const report = smallReport(3, { warnings: [{ code: 'kept', message: 'Kept.' }] }, 500);
    const gated = { ...report, gate: { status: 'passed' as const, rules: [] } };
    expect(recompute(gated)).toEqual(report);
    const census = smallReport(2, { census: true });
    expect(recompute(census)).toEqual(census);
  });

  it('judges the same counters by another criterion', () => {
    const silent = completeCriterion({ dead: 'silent' });
    const report = smallReport(2, {}, 500);
    expect(recompute(report, silent)).toMatchObject({ criterion: silent, warnings: [] });
  });

  it('refuses another threshold, which the counters do not hold', () => {
    expect(() => recompute(smallReport(), { threshold: 0.1 })).toThrow(
      'with threshold 0.001; for abs with 0.1',
    );
  });
});
