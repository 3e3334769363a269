import { readdirSync, readFileSync } from 'node:fs';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { parseAnyReport, renderReport } from '../../src/app/report-kinds.js';
import { renderGitHub } from '../../src/report/github.js';
import { renderJUnit } from '../../src/report/junit.js';
import { renderMarkdown } from '../../src/report/markdown.js';
import { renderSarif } from '../../src/report/sarif.js';
import type { AuditReport } from '../../src/report/schema.js';
import { sparkline } from '../../src/report/sparkline.js';
import { renderTable } from '../../src/report/table.js';
import { SARIF_LEVELS } from '../../src/settings/output-settings.js';
import { reluRows, reportOf, siteOf, smallReport } from './fixture.js';

// A case is a report, NAME.json, and what it is rendered to, NAME.table.txt and so on; `vitest run -u` writes these.
const folder = new URL('golden/', import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.json') && !file.endsWith('.sarif.json'))
  .map((file) => file.slice(0, -'.json'.length));
const read = (name: string) => {
  const file = `${name}.json`;
  return parseAnyReport(readFileSync(new URL(file, folder), 'utf8'), file);
};

const RENDERERS: Record<string, (report: AuditReport) => string> = {
  'table.txt': (report) => renderTable(report),
  md: renderMarkdown,
  'junit.xml': renderJUnit,
  'github.txt': renderGitHub,
  'sarif.json': (report) => renderSarif(report, { root: process.cwd() }),
};

describe.each(names)('report %s', (name) => {
  const report = read(name);
  const expected = (kind: string) => new URL(`${name}.${kind}`, folder).pathname;

  if (report.kind !== 'audit') {
    it('is rendered as its golden file says', async () => {
      const text = renderReport(report, 'table');
      await expect(text).toMatchFileSnapshot(expected('table.txt'));
      expect(widest(text)).toBeLessThanOrEqual(80);
    });
    return;
  }

  it.each(Object.keys(RENDERERS))('is rendered as its golden file says: %s', async (kind) => {
    await expect(RENDERERS[kind]!(report)).toMatchFileSnapshot(expected(kind));
  });

  it('fits 80 columns, without control characters, the same with colours', () => {
    const text = renderTable(report);
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).not.toMatch(CONTROL);
    const painted = renderTable(report, { colors: pc.createColors(true) });
    expect(painted.replace(PAINT, '')).toBe(text);
  });

  it('is well-formed XML as JUnit', () => checkXml(renderJUnit(report)));
  it('is what code scanning asks of SARIF', () => checkSarif(report));

  it('is one workflow command per line for GitHub', () => {
    for (const line of renderGitHub(report).trimEnd().split('\n')) {
      expect(line).toMatch(/^::(error|warning|notice) title=[^:,\r\n]+::[^\r\n]*$/);
    }
  });
});

describe('table', () => {
  it('stays readable with 128 layers: one line per site, the summary at the end', () => {
    const one = siteOf('0.mlp_post', reluRows(3000, 4, 1));
    const sites = Array.from({ length: 128 }, (_, layer) => ({ ...one, id: `${layer}.mlp_post`, layer }));
    const lines = renderTable(reportOf(sites)).split('\n');
    expect(lines.length).toBeLessThan(128 + 20);
    expect(lines.filter((line) => line.includes('mlp_post  relu'))).toHaveLength(128);
  });

  it('counts what would be too much to list', () => {
    const sites = Array.from({ length: 50 }, (_, layer) => siteOf(`${layer}.mlp_post`, [], { neurons: 1 }));
    const rules = sites.map(({ id }) => ({
      rule: 'r',
      value: null,
      limit: 1,
      status: 'failed' as const,
      site: id,
    }));
    const text = renderTable({ ...reportOf(sites), gate: { status: 'failed', rules } });
    expect(text).toContain('! no-data: … and 47 more of this kind.');
    expect(text).toContain('✗ … and 39 more');
    expect(text).toContain('✗ gate failed (50 of 50 checks)');
  });
});

describe('sparkline', () => {
  const values = (counts: number[]) => ({
    ...smallReport(1).sites[0]!.values,
    histogram: { edges: [], counts },
  });

  it('spans the bins with values, high where they are many', () => {
    const counts = [0, 0, 1, 10, 100, 1000, 1000, 0, 10, 1, 0];
    expect(sparkline(values(counts))).toBe('▃▅▇██ ▅▃');
  });

  it('stretches few bins and squeezes many', () => {
    expect(sparkline(values([0, 5, 0]))).toBe('████████');
    expect(sparkline(values(new Array(256).fill(3)), 10)).toBe('██████████');
  });

  it('is nothing without a histogram or values', () => {
    expect(sparkline({ ...values([]), histogram: null })).toBe('');
    expect(sparkline(values([0, 0]))).toBe('');
  });
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
const PAINT = /\u001b\[\d+m/g;

const widest = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length));

/** Tags nest, attributes are quoted, and no raw character needs an escape. */
function checkXml(text: string): void {
  const open: string[] = [];
  const body = text.replace(/^<\?xml version="1.0" encoding="UTF-8"\?>\n/, '');
  const rest = body.replace(
    /<(\/?)([\w-]+)((?: [\w-]+="[^"<>&\n]*(?:&#\d+;[^"<>&\n]*)*")*)(\/?)>/g,
    (_, end, name, __, empty) => {
      if (end) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name);
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest).toMatch(/^[^<>]*$/);
  expect(rest.replace(/&#\d+;/g, '')).not.toContain('&');
  expect(text).not.toMatch(CONTROL);
}

/** The rules of SARIF 2.1.0 and of GitHub's code scanning that this tool's logs could break. */
function checkSarif(report: AuditReport): void {
  for (const maxLevel of SARIF_LEVELS) {
    const log = JSON.parse(renderSarif(report, { maxLevel, root: '/work' }));
    expect(log.version).toBe('2.1.0');
    const [run] = log.runs;
    const { rules, name } = run.tool.driver;
    expect(name).toBeTruthy();
    expect(new Set(rules.map(({ id }: { id: string }) => id)).size).toBe(rules.length);
    for (const result of run.results) {
      expect(rules[result.ruleIndex].id).toBe(result.ruleId);
      expect(SARIF_LEVELS.indexOf(result.level)).toBeLessThanOrEqual(SARIF_LEVELS.indexOf(maxLevel));
      expect(SARIF_LEVELS).toContain(result.level);
      expect(result.message.text).toBeTruthy();
      const { artifactLocation, region } = result.locations[0].physicalLocation;
      expect(artifactLocation.uri).toMatch(/^(?!\/|\.\.|[a-z]+:)[\w.~%/-]+$/);
      expect(region.startLine).toBe(1);
      expect(Object.keys(result.partialFingerprints)).toHaveLength(1);
    }
  }
}
