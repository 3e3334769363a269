import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { diffReports } from '../../src/app/diff.js';
import { jsonSchemas } from '../../src/app/report-kinds.js';
import { diffReportSchema } from '../../src/report/diff-schema.js';
import { evaluateGate } from '../../src/report/gate.js';
import { formatReport } from '../../src/report/json.js';
import { auditReportSchema } from '../../src/report/schema.js';
import { reportOf, siteOf, smallReport } from './fixture.js';

const published = (name: string) => new URL(`../../schema/${name}`, import.meta.url);

describe('published JSON Schemas', () => {
  it.each(Object.keys(jsonSchemas()))('%s is that of the code (vitest run -u writes it)', async (name) => {
    const text = `${JSON.stringify(jsonSchemas()[name], null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(published(name).pathname);
  });

  it.each([
    ['a whole report', smallReport()],
    [
      'a gated report',
      { ...smallReport(), gate: evaluateGate(smallReport(), ['mlp_post.dead_ratio > 0.01']).gate },
    ],
    ['a report without positions', reportOf([siteOf('0.mlp_post', [], { neurons: 4 })])],
    ['a report of nothing but NaN', reportOf([siteOf('0.mlp_post', [[Number.NaN]])])],
    ['a report without a histogram', reportOf([siteOf('0.mlp_post', [[1]], { bins: null })])],
    ['a report without sites', reportOf([])],
  ])('audit-report.schema.json accepts %s', (_, report) => {
    const json = JSON.parse(formatReport(report));
    const validate = compiled('audit-report.schema.json');
    expect(validate(json) || validate.errors).toBe(true);
    // Nothing is in the report that the schema does not name.
    expect(auditReportSchema.parse(json)).toEqual(json);
  });

  it('diff-report.schema.json accepts a difference', () => {
    const json = JSON.parse(formatReport(diffReports(smallReport(2), smallReport(3))));
    const validate = compiled('diff-report.schema.json');
    expect(validate(json) || validate.errors).toBe(true);
    expect(diffReportSchema.parse(json)).toEqual(json);
  });

  it.each([
    ['another version', { schemaVersion: 2 }],
    ['another kind', { kind: 'diff' }],
    ['sites that are no list', { sites: {} }],
    ['no summary', { summary: undefined }],
  ])('audit-report.schema.json refuses %s', (_, change) => {
    const json = JSON.parse(JSON.stringify({ ...smallReport(), ...change }));
    expect(compiled('audit-report.schema.json')(json)).toBe(false);
  });
});

function compiled(name: string) {
  return new Ajv2020({ validateFormats: false }).compile(JSON.parse(readFileSync(published(name), 'utf8')));
}
