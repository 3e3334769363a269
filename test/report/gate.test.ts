import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.js';
import { FIELDS, fieldValue } from '../../src/report/fields.js';
import { checkRules, evaluateGate, wantsGate, withGate } from '../../src/report/gate.js';
import { GRAMMAR, parseRule } from '../../src/report/rules.js';
import { sitesMatching } from '../../src/sites/selector.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { reluRows, reportOf, siteOf, smallReport } from './fixture.js';

// Dead ratios of mlp_post: 0, 1/4, 3/4 (of 8), 0; together 7 of 20.
const report = reportOf([
  siteOf('0.mlp_pre', reluRows(3000, 4, 2)),
  siteOf('0.mlp_post', reluRows(3000, 4, 0)),
  siteOf('1.mlp_post', reluRows(3000, 4, 1)),
  siteOf('2.mlp_post.expert7', reluRows(3000, 8, 6)),
  siteOf('decoder.10.mlp_post', reluRows(3000, 4, 0)),
  siteOf('decoder.10.attn_out.cross', reluRows(3000, 4, 4)),
]);
const failed = (rule: string) =>
  evaluateGate(report, [rule])
    .gate.rules.filter(({ status }) => status === 'failed')
    .map(({ site, value }) => [site, value]);

describe('rule', () => {
  it('reads every field, comparison and aggregate, with or without spaces', () => {
    const part = fc.record({
      aggregate: fc.constantFrom('max', 'min', 'mean', null),
      selector: fc.constantFrom(
        'mlp_post',
        '5.mlp_post',
        '*',
        '*.mlp_post',
        'decoder.*.attn_out.cross',
        'a-b.3.mlp_pre',
      ),
      field: fc.constantFrom(...FIELDS),
      comparison: fc.constantFrom('>', '>=', '<', '<='),
      limit: fc.double({ noNaN: true, noDefaultInfinity: true }),
      space: fc.constantFrom('', ' ', '  '),
    });
    fc.assert(
      fc.property(part, ({ space, ...rule }) => {
        const path = `${rule.selector}.${rule.field}`;
        const left = rule.aggregate ? `${rule.aggregate}${space}(${space}${path}${space})` : path;
        const text = `${space}${left}${space}${rule.comparison}${space}${rule.limit}${space}`;
        const limit = Object.is(rule.limit, -0) ? 0 : rule.limit;
        expect(parseRule(text)).toEqual({ ...rule, limit, text: text.trim() });
      }),
    );
  });

  it.each([
    ['', 1, 'expected a site'],
    ['mlp_post > 1', 1, 'has no dot'],
    ['.dead > 1', 1, 'expected SITE.FIELD'],
    ['mlp_post.ded > 1', 10, '`ded` is no FIELD'],
    ['mlp_post.dead', 14, 'quote the rule'],
    ['mlp_post.dead = 1', 14, 'expected >, >=, < or <='],
    ['mlp_post.dead > many', 17, 'expected a number'],
    ['mlp_post.dead > 5%', 18, '`dead` is no ratio'],
    ['mlp_post.dead_ratio > 5% x', 26, 'expected the end'],
    ['sum(mlp_post.dead) > 1', 1, 'expected max, min, mean before ('],
    ['max(mlp_post.dead > 1', 18, 'expected )'],
    ['mlp_post.dead) > 1', 14, 'expected >, >=, < or <='],
  ])('`%s` points at column %i', (text, column, expected) => {
    const error = thrown(() => parseRule(text));
    expect(error.message).toContain(`cannot be read at column ${column}: `);
    expect(error.message).toContain(expected);
    expect(error.details.join('\n')).toContain(`\n  ${text}\n  ${' '.repeat(column - 1)}^\n`);
    expect(error.details.join('\n')).toContain(GRAMMAR);
  });

  it('is about sites: by id, by pattern, with every part where none is named', () => {
    const ids = (selector: string) => sitesMatching(report.sites, selector).map(({ id }) => id);
    expect(ids('mlp_pre')).toEqual(['0.mlp_pre']);
    expect(ids('1.mlp_post')).toEqual(['1.mlp_post']);
    expect(ids('2.mlp_post')).toEqual(['2.mlp_post.expert7']);
    expect(ids('10.mlp_post')).toEqual([]);
    expect(ids('0.mlp*')).toEqual(['0.mlp_pre', '0.mlp_post']);
    expect(ids('*.mlp_post')).toEqual([
      '0.mlp_post',
      '1.mlp_post',
      '2.mlp_post.expert7',
      'decoder.10.mlp_post',
    ]);
    expect(ids('decoder.*')).toEqual(['decoder.10.mlp_post', 'decoder.10.attn_out.cross']);
    expect(ids('decoder.*.attn_out.cross')).toEqual(['decoder.10.attn_out.cross']);
    expect(ids('*')).toHaveLength(6);
  });

  it('over a site name alone is about all its neurons in the model', () => {
    expect(failed('mlp_post.dead_ratio > 0.35')).toEqual([]);
    expect(failed('mlp_post.dead_ratio >= 0.35')).toEqual([['mlp_post', 7 / 20]]);
    expect(failed('mlp_post.dead > 6')).toEqual([['mlp_post', 7]]);
  });

  it('with * and no aggregate is about each site', () => {
    expect(failed('*.mlp_post.dead_ratio > 0.2')).toEqual([
      ['1.mlp_post', 0.25],
      ['2.mlp_post.expert7', 0.75],
    ]);
    expect(evaluateGate(report, ['*.mlp_post.dead_ratio > 0.2']).gate.rules).toHaveLength(4);
  });

  it('with an aggregate is about one number, and names the site', () => {
    expect(failed('max(*.mlp_post.dead_ratio) > 0.5')).toEqual([['2.mlp_post.expert7', 0.75]]);
    expect(failed('max(mlp_post.dead_ratio) > 0.5')).toEqual([['2.mlp_post.expert7', 0.75]]);
    expect(failed('min(*.mlp_post.dead_ratio) < 0.1')).toEqual([['0.mlp_post', 0]]);
    expect(failed('mean(*.mlp_post.dead_ratio) > 0.2')).toEqual([[null, 0.25]]);
  });

  it.each(FIELDS)('can ask for %s of one site, and of several together', (field) => {
    const [one] = sitesMatching(report.sites, '1.mlp_post');
    const several = sitesMatching(report.sites, 'mlp_post');
    expect(fieldValue([one!], field)).toBeTypeOf('number');
    // A site taken twice has the same ratios, quantiles and moments, and twice the counts.
    const factor = fieldValue([one!, one!], field)! / fieldValue([one!], field)!;
    const isCount = !/_ratio|frequency|value|positions/.test(field) && fieldValue([one!], field)! > 0;
    if (fieldValue([one!], field) !== 0 && !/_p\d/.test(field))
      expect(factor).toBeCloseTo(isCount ? 2 : 1, 9);
    expect(fieldValue(several, field)).toBeTypeOf('number');
  });

  it('that matches no site is an error, not a pass', () => {
    const error = thrown(() => evaluateGate(report, ['7.mlp_post.dead > 0']));
    expect(error.message).toContain('`7.mlp_post` matches none of');
    expect(error.message).toContain('2.mlp_post.expert7, decoder.10.mlp_post');
    const many = Array.from({ length: 9 }, (_, layer) => siteOf(`${layer}.mlp_pre`, [[1]]));
    expect(thrown(() => evaluateGate(reportOf(many), ['mlp_post.dead > 0'])).message).toContain(
      '… (9 in all)',
    );
    expect(thrown(() => evaluateGate(reportOf([]), ['mlp_post.dead > 0'])).message).toContain('it has none');
  });

  it('that matches no site of one of several models is a warning', () => {
    const rules = ['*.attn_out.dead > 0', '1.mlp_post.dead > 0', '*.zero_share > 5%'];
    const gcn = reportOf([siteOf('1.mlp_post', reluRows(3000, 4, 1))]);
    const { gate, warnings } = evaluateGate(gcn, rules, { severalModels: true });
    expect(gate).toMatchObject({ status: 'failed', rules: [{ site: '1.mlp_post' }] });
    expect(warnings.map(({ code }) => code)).toEqual(['rule-without-site', 'rule-without-site']);
    expect(warnings[0]!.message).toContain('`*.attn_out` matches none of');
    const elsewhere = { baseline: report, severalModels: true };
    const compared = evaluateGate(reportOf([siteOf('9.mlp_post', reluRows(30, 4, 1))]), [], elsewhere);
    expect(compared.gate).toEqual({ status: 'passed', rules: [] });
    expect(compared.warnings.map(({ code }) => code)).toContain('baseline-without-site');
  });

  it('takes a percentage where a ratio is compared', () => {
    expect(parseRule('mlp_post.dead_ratio > 0.7 %').limit).toBe(0.007);
    expect(parseRule('0.mlp_post.zero_share > 50%').limit).toBe(0.5);
    expect(parseRule('mlp_post.frequency_p05 < 1e-1%').limit).toBe(0.001);
    expect(failed('mlp_post.dead_ratio >= 35%')).toEqual([['mlp_post', 7 / 20]]);
  });

  it('without a value to compare fails', () => {
    const empty = reportOf([siteOf('0.mlp_post', [], { neurons: 3 })]);
    const { gate } = evaluateGate(empty, ['mlp_post.dead_ratio > 0.5', '0.mlp_post.frequency_p50 < 0']);
    expect(gate).toMatchObject({
      status: 'failed',
      rules: [{ value: null }, { value: null, status: 'failed' }],
    });
  });
});

describe('gate', () => {
  it('passes when no rule holds', () => {
    expect(evaluateGate(report, ['mlp_post.dead_ratio > 0.5', '1.mlp_post.silent > 1']).gate).toEqual({
      status: 'passed',
      rules: [
        { rule: 'mlp_post.dead_ratio > 0.5', value: 0.35, limit: 0.5, status: 'passed', site: 'mlp_post' },
        { rule: '1.mlp_post.silent > 1', value: 1, limit: 1, status: 'passed', site: '1.mlp_post' },
      ],
    });
  });

  it('knows --max-dead-ratio as a rule about every mlp_post', () => {
    const { gate } = evaluateGate(report, [], { maxDeadRatio: 0.25 });
    expect(gate.rules.map(({ status, site }) => [site, status])).toEqual([
      ['0.mlp_post', 'passed'],
      ['1.mlp_post', 'passed'],
      ['2.mlp_post.expert7', 'failed'],
      ['decoder.10.mlp_post', 'passed'],
    ]);
    expect(evaluateGate(report, [], { maxDeadRatio: 1e-7 }).gate.status).toBe('failed');
  });

  it('is not evaluated on an incomplete report', () => {
    const incomplete = { ...report, data: { ...report.data, complete: false } };
    expect(thrown(() => evaluateGate(incomplete, ['mlp_post.dead > 0'])).code).toBe('incomplete-report');
  });

  it('under `strict` fails on warnings that weaken the verdict, and on no others', () => {
    const few = smallReport(2, { warnings: [{ code: 'device', message: 'No GPU.' }] }, 500);
    const rules = ['mlp_post.dead_ratio > 0.5'];
    expect(evaluateGate(few, rules).gate.status).toBe('passed');
    const { gate } = evaluateGate(few, rules, { strict: true });
    expect(gate.status).toBe('failed');
    expect(gate.rules[1]).toEqual({
      rule: 'strict: resolution',
      value: null,
      limit: null,
      status: 'failed',
      site: null,
    });
    expect(evaluateGate(report, rules, { strict: true }).gate.status).toBe('passed');
  });

  it('is wanted when anything asks for it', () => {
    expect(wantsGate([], {})).toBe(false);
    expect(wantsGate(['mlp_post.dead > 0'], {})).toBe(true);
    expect(wantsGate([], { maxDeadRatio: 0 })).toBe(true);
    expect(wantsGate([], { strict: true })).toBe(true);
    expect(wantsGate([], { baseline: report })).toBe(true);
  });

  it('can be checked before a long run', () => {
    checkRules(['mlp_post.dead > 0'], { baseline: 'old.json', maxIncrease: 0.1 });
    expect(thrown(() => checkRules(['x'])).code).toBe('rule-syntax');
    expect(thrown(() => checkRules([], { maxIncrease: 0.1 })).code).toBe('missing-baseline');
    expect(thrown(() => checkRules([], { maxDeadRatio: 5 })).message).toContain(
      'Expected `maxDeadRatio` to be a ratio from 0 to 1, as in 0.05 or 5%, got `5`.',
    );
    expect(thrown(() => checkRules([], { maxDeadRatio: Number.NaN })).code).toBe('option-value');
  });
});

describe('baseline', () => {
  const now = (dead: number) => reportOf([siteOf('0.mlp_post', reluRows(3000, 10, dead))]);

  it.each([
    [1, 0, 0, 'failed'],
    [1, 1, 0, 'passed'],
    [3, 1, 0.2, 'passed'], // 0.3 − 0.1 is a little more than 0.2 in doubles
    [4, 1, 0.2, 'failed'],
    [0, 5, 0, 'passed'],
  ])('%i dead of 10 after %i, at most %d more: %s', (after, before, maxIncrease, status) => {
    const { gate, warnings } = evaluateGate(now(after), [], { baseline: now(before), maxIncrease });
    expect(gate.status).toBe(status);
    expect(gate.rules).toHaveLength(1);
    expect(gate.rules[0]).toMatchObject({
      site: '0.mlp_post',
      value: expect.closeTo((after - before) / 10),
      limit: maxIncrease,
    });
    expect(warnings).toEqual([]);
  });

  it('warns of sites that only one side has, once in the report', () => {
    const [a, b, c] = ['0', '1', '2'].map((layer) => siteOf(`${layer}.mlp_post`, reluRows(3000, 4, 0)));
    const options = { baseline: reportOf([a!, b!]) };
    const gated = withGate(reportOf([b!, c!]), [], options);
    expect(gated.gate).toMatchObject({ status: 'passed', rules: [{ site: '1.mlp_post' }] });
    expect(gated.warnings.map(({ code, site }) => [code, site])).toEqual([
      ['baseline-site-missing', '2.mlp_post'],
      ['baseline-site-missing', '0.mlp_post'],
    ]);
    expect(withGate(gated, [], options)).toEqual(gated);
    expect(withGate(gated, [], { ...options, strict: true }).gate!.status).toBe('failed');
    expect(thrown(() => evaluateGate(reportOf([a!]), [], { baseline: reportOf([c!]) })).code).toBe(
      'baseline-without-site',
    );
  });

  it('compares like with like: the old report is judged by the new criterion', () => {
    const sum = completeCriterion({ dead: 'mean-abs', deadBelow: 100 });
    const old = reportOf([siteOf('0.mlp_post', reluRows(3000, 10, 1), { criterion: sum })], {
      criterion: sum,
    });
    expect(old.sites[0]!.dead).toBe(10);
    expect(evaluateGate(now(2), [], { baseline: old }).gate.rules[0]!.value).toBeCloseTo(0.1);
    const other = { ...old, criterion: { ...old.criterion, threshold: 0.5 } };
    expect(thrown(() => evaluateGate(now(2), [], { baseline: other })).code).toBe('other-criterion');
  });

  it('warns when the data differ or were cut short', () => {
    const base = now(0);
    const baseline = { ...base, data: { ...base.data, split: 'valid', complete: false } };
    const { warnings } = evaluateGate(now(0), [], { baseline });
    expect(warnings.map(({ code }) => code)).toEqual(['baseline-differs', 'baseline-differs']);
  });
});

function thrown(action: () => unknown): UserError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return error as UserError;
  }
  throw new Error('Expected a UserError');
}
