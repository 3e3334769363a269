import { describe, expect, it } from 'vitest';
import { derivedWarnings, shownWarnings } from '../../src/report/warnings.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { reluRows, reportOf, siteOf } from './fixture.js';

const codes = (report: Parameters<typeof derivedWarnings>[0]) =>
  derivedWarnings(report).map(({ code, site }) => [code, site].filter(Boolean).join(' '));

describe('warnings that follow from a report', () => {
  it('are none where enough finite positions were seen', () => {
    expect(codes(reportOf([siteOf('0.mlp_post', reluRows(3000, 4, 1))]))).toEqual([]);
  });

  it('name a resolution that is too coarse, once for all sites or for each', () => {
    const few = siteOf('0.mlp_post', reluRows(100, 4, 1));
    expect(codes(reportOf([few, siteOf('1.mlp_post', reluRows(100, 4, 1))]))).toEqual(['resolution']);
    const [warning] = derivedWarnings(reportOf([few]));
    expect(warning!.message).toBe(
      '100 positions cannot tell a frequency below 3% from zero, but the limit for dead is 0.1%: audit at least 3,000 positions.',
    );
    expect(codes(reportOf([few, siteOf('1.mlp_post', reluRows(3000, 4, 1))]))).toEqual([
      'resolution 0.mlp_post',
    ]);
  });

  it('name sites without data, and with values that are not finite', () => {
    const report = reportOf([
      siteOf('0.mlp_post', [], { neurons: 4 }),
      siteOf('1.mlp_post', [...reluRows(3000, 4, 1), [Number.NaN, 1, 1, 1]]),
    ]);
    expect(codes(report)).toEqual(['no-data 0.mlp_post', 'non-finite 1.mlp_post']);
    expect(derivedWarnings(report)[1]!.message).toBe(
      '1.mlp_post has NaN or infinite values in 1 of 4 neurons.',
    );
  });

  it('name signed values under the criterion sum', () => {
    const criterion = completeCriterion({ dead: 'sum' });
    const rows = reluRows(3000, 4, 1);
    const signed = rows.map((row) => row.map((value, i) => (i === 0 ? -1 : value)));
    const sites = [
      siteOf('0.mlp_post', rows, { criterion }),
      siteOf('1.mlp_post', signed, { criterion }),
      siteOf('1.attn_out', rows, { criterion }),
    ];
    expect(codes(reportOf(sites, { criterion }))).toEqual(['signed-sum 1.mlp_post', 'signed-sum 1.attn_out']);
  });

  it('name data that are not whole', () => {
    const report = reportOf([siteOf('0.mlp_post', reluRows(3000, 4, 1))]);
    const withData = (data: Partial<typeof report.data>) =>
      derivedWarnings({ ...report, data: { ...report.data, ...data } }).map(({ message }) => message);
    expect(withData({ complete: false })[0]).toMatch(/^The run was stopped after [\d,]+ positions/);
    expect(
      withData({
        shard: [
          { index: 0, count: 3 },
          { index: 2, count: 3 },
        ],
      }),
    ).toEqual(['Only some shards of the data were merged: 0/3, 2/3.']);
    expect(withData({ shard: { index: 0, count: 3 } })).toEqual([]);
  });
});

describe('warnings that are shown', () => {
  const warnings = (count: number, code: string) =>
    Array.from({ length: count }, (_, k) => ({ code, message: `${code} ${k}` }));

  it('are four of a kind, or three and the number of the others', () => {
    expect(shownWarnings(warnings(4, 'a'))).toHaveLength(4);
    expect(shownWarnings([...warnings(9, 'a'), ...warnings(1, 'b')]).map(({ message }) => message)).toEqual([
      'a 0',
      'a 1',
      'a 2',
      '… and 6 more of this kind.',
      'b 0',
    ]);
  });
});
