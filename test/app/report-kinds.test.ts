import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diffReports } from '../../src/app/diff.js';
import { jsonSchemas, parseAnyReport, renderReport } from '../../src/app/report-kinds.js';
import { UserError } from '../../src/errors.js';
import { formatReport } from '../../src/report/json.js';
import { root } from '../cli/audit.js';
import { smallReport } from '../report/fixture.js';

describe('kinds of reports', () => {
  const diff = diffReports(smallReport(2), smallReport(3), '2026-01-02T03:04:05.000Z');

  it('are published, each in a file', () => {
    const published = readdirSync(`${root}schema`).filter((name) => name.endsWith('-report.schema.json'));
    expect(Object.keys(jsonSchemas()).sort()).toEqual(published.sort());
  });

  it('are read by what they say they are', () => {
    expect(parseAnyReport(formatReport(diff), 'diff.json')).toEqual(diff);
    expect(parseAnyReport(formatReport(smallReport()), 'audit.json').kind).toBe('audit');
    const other = formatReport({ ...diff, kind: 'toString' });
    expect(() => parseAnyReport(other, 'x.json')).toThrow(UserError);
    expect(() => parseAnyReport(other, 'x.json')).toThrow(
      '`x.json` is a report of kind "toString"; expected audit or bounds or diff or flip or prune or strip or swap.',
    );
  });

  it('are rendered as text, JSON, and annotations where there are any', () => {
    expect(renderReport(diff, 'table')).toMatch(/^old {7}gpt2/);
    expect(renderReport(diff, 'json')).toBe(formatReport(diff));
    expect(renderReport(diff, 'github')).toMatch(/^::notice title=gpt2::0 newly dead/);
    expect(renderReport(smallReport(), 'github')).toMatch(/^::notice title=gpt2/m);
  });
});
