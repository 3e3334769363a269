import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffReports } from '../../src/app/diff.js';
import { renderReport } from '../../src/app/report-kinds.js';
import type { AuditReport } from '../../src/report/schema.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { reportOf, siteOf, smallReport } from '../report/fixture.js';

/** A report of one site in which the given neurons of 6 are dead. */
const withDead = (dead: number[], id = '0.mlp_post') =>
  reportOf([siteOf(id, [Array.from({ length: 6 }, (_, i) => (dead.includes(i) ? 0 : 1))])]);

describe('diff', () => {
  it('names the neurons newly dead, revived, and dead in both', () => {
    const diff = diffReports(withDead([0, 1, 2]), withDead([2, 3]));
    expect(diff.sites[0]).toMatchObject({
      id: '0.mlp_post',
      dead: { old: 3, new: 2 },
      deadRatio: { old: 0.5, new: 1 / 3, change: 1 / 3 - 0.5 },
      newlyDead: [3],
      revived: [0, 1],
      deadInBoth: [2],
      flags: { silent: { old: 3, new: 2 }, neverPositive: { old: 3, new: 2 } },
    });
    expect(diff.summary).toMatchObject({ newlyDead: 1, revived: 2, deadInBoth: 1 });
    expect(diff.warnings).toEqual([]);
  });

  it('warns where the models are hardly one', () => {
    const codes = (old: AuditReport, current: AuditReport) =>
      diffReports(old, {
        ...current,
        model: { ...current.model, graphSha256: 'cd'.repeat(32) },
      }).warnings.map(({ code }) => code);
    const one = withDead([0]);
    const of = (architecture: string | null) => ({ ...one, model: { ...one.model, architecture } });
    expect(codes(of('gcn'), of('gpt2'))).toEqual(['model-differs']);
    expect(codes(of('gcn'), of(null))).toEqual([]);
    const sites = (...layers: number[]) => reportOf(layers.map((at) => siteOf(`${at}.mlp_post`, [[1, 0]])));
    expect(codes(sites(0, 1, 2), sites(2, 3, 4))).toEqual(['model-differs']);
    expect(codes(sites(0, 1, 2), sites(2))).toEqual([]);
  });

  it('is annotations for GitHub: what died, what to mind, and the sum', () => {
    const diff = diffReports(withDead([0]), { ...withDead([0, 2, 4]) });
    expect(renderReport(diff, 'github').trimEnd().split('\n')).toEqual([
      '::warning title=gpt2%3A 0.mlp_post%3A 2 newly dead::3 of 6 neurons dead (50%25), before 1 (16.7%25); newly dead: 2, 4',
      '::notice title=gpt2::2 newly dead, 0 revived, 1 dead in both; model 16.7%25 → 50%25',
    ]);
  });

  it('is turned around when the reports are', () => {
    const dead = fc.uniqueArray(fc.nat(5));
    fc.assert(
      fc.property(dead, dead, (a, b) => {
        const [there] = diffReports(withDead(a), withDead(b)).sites;
        const [back] = diffReports(withDead(b), withDead(a)).sites;
        expect([there!.newlyDead, there!.revived, there!.deadInBoth]).toEqual([
          back!.revived,
          back!.newlyDead,
          back!.deadInBoth,
        ]);
        expect(there!.newlyDead!.length + there!.deadInBoth!.length).toBe(new Set(b).size);
      }),
    );
  });

  it('works between exports: by site id, whatever tensors and graphs are called', () => {
    const fp32 = smallReport(2);
    const int8 = smallReport(3);
    int8.model = { ...int8.model, name: 'gpt2-int8', graphSha256: 'cd'.repeat(32) };
    int8.sites[1]!.tensor = 'val_17';
    const diff = diffReports(fp32, int8);
    expect(diff.sites).toHaveLength(6);
    expect([diff.onlyOld, diff.onlyNew]).toEqual([[], ['2.mlp_pre', '2.mlp_post', '2.attn_out']]);
    expect([diff.old.model, diff.new.model]).toEqual(['gpt2', 'gpt2-int8']);
    expect(diff.summary).toMatchObject({ newlyDead: 0, revived: 0, deadInBoth: 4 });
  });

  it('says so when numbers of neurons, data or criteria differ, and goes on', () => {
    const a = withDead([0]);
    const b = reportOf([
      siteOf('0.mlp_post', [
        [1, 0],
        [1, 0],
      ]),
    ]);
    b.data.complete = false;
    const diff = diffReports(a, b);
    expect(diff.sites[0]).toMatchObject({
      neurons: { old: 6, new: 2 },
      newlyDead: null,
      revived: null,
      deadInBoth: null,
    });
    expect(diff.warnings.map(({ code }) => code)).toEqual([
      'incomplete-data',
      'data-differs',
      'neurons-differ',
    ]);

    const mean = { criterion: completeCriterion({ dead: 'mean-abs', deadBelow: 10 }) };
    const old = reportOf([siteOf('0.mlp_post', [[1, 0]], mean)], mean);
    const anew = diffReports(old, reportOf([siteOf('0.mlp_post', [[1, 0]])]));
    expect(anew.sites[0]).toMatchObject({ dead: { old: 1, new: 1 }, deadInBoth: [1] });
    expect(anew.warnings.map(({ code }) => code)).toEqual(['criterion-differs']);

    const positive = { ...old, criterion: { ...old.criterion, firing: 'positive' as const } };
    expect(diffReports(positive, old).warnings[0]!.message).toContain('do not compare');
  });

  it('survives reports without a site in common', () => {
    const diff = diffReports(withDead([]), withDead([], '9.mlp_post'));
    expect(diff.sites).toEqual([]);
    expect(diff.warnings.map(({ code }) => code)).toEqual(['no-common-site']);
  });
});
