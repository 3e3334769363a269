import { mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.js';
import { formatReport, readReport, writeReport } from '../../src/report/json.js';
import { smallReport } from './fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-json-'));
const report = smallReport();
const text = formatReport(report);
let files = 0;
const file = (content: string | Buffer) => {
  const path = join(folder, `case-${files++}.json`);
  writeFileSync(path, content);
  return path;
};

describe('report file', () => {
  it.each(['a.json', 'a.json.gz'])('is read as it was written: %s', async (name) => {
    const path = join(folder, name);
    await writeReport(path, report);
    expect(await readReport(path)).toEqual(report);
    expect(readdirSync(folder).filter((entry) => entry.endsWith('.tmp'))).toEqual([]);
    if (name.endsWith('.gz')) expect(gunzipSync(readFileSync(path)).toString()).toBe(text);
  });

  it('is known as gzip by its bytes, not its name', async () => {
    expect(await readReport(file(gzipSync(text)))).toEqual(report);
  });

  it('is replaced behind a symbolic link', async () => {
    const target = file('old');
    const link = join(folder, 'link.json');
    symlinkSync(target, link);
    await writeReport(link, report);
    expect(readFileSync(target, 'utf8')).toBe(text);
  });

  it('has one line per list of numbers', () => {
    expect(
      text
        .split('\n')
        .find((line) => line.includes('"deadNeurons"'))
        ?.trim(),
    ).toBe('"deadNeurons": [],');
    expect(JSON.parse(text)).toEqual(report);
  });

  it('is not written into a missing folder, over a folder, or half', async () => {
    await expect(writeReport(join(folder, 'no', 'a.json'), report)).rejects.toThrow('no such file or folder');
    await expect(writeReport(folder, report)).rejects.toThrow('it is a folder');
  });

  const other = (change: object) => JSON.stringify({ ...report, ...change });
  const site = report.sites[0]!;
  it.each([
    ['nothing', '', 'is empty'],
    ['text', 'PK\u0003\u0004', 'is not JSON'],
    ['a number', '5', 'no report of this tool'],
    ['null', 'null', 'no report of this tool'],
    ['other JSON', '{"a": 1}', 'expected the fields schemaVersion and kind'],
    [
      'another version',
      other({ schemaVersion: 2 }),
      'has schemaVersion 2, but this version of activation-auditor reads 1',
    ],
    ['another kind', other({ kind: 'census' }), 'is a report of kind "census"'],
    ['a kind by another name', other({ kind: 'toString' }), 'is a report of kind "toString"'],
    ['a missing field', other({ data: undefined }), 'does not follow the report schema at data:'],
    ['a wrong field', other({ sites: [{ ...site, neurons: -1 }] }), 'at sites[0].neurons'],
    [
      'counters of another length',
      other({ sites: [{ ...site, neurons: 33 }] }),
      'perNeuron.fired of 0.mlp_pre to hold 33',
    ],
    [
      'dead neurons that are not there',
      other({ sites: [{ ...site, dead: 1, deadNeurons: [99] }] }),
      'is damaged',
    ],
    ['a site twice', other({ sites: [site, site] }), 'lists the site 0.mlp_pre twice'],
    ['half a gzip file', gzipSync(text).subarray(0, 500), 'cut short or damaged'],
  ])('holding %s gets a sentence', async (_, content, sentence) => {
    const error = await readReport(file(content)).catch((e) => e);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain(sentence);
  });

  it('cut short anywhere gets a sentence', async () => {
    for (let length = 1; length < text.length - 2; length += 997) {
      await expect(readReport(file(text.slice(0, length)))).rejects.toThrow(UserError);
    }
    await expect(readReport(file(text.slice(0, 1000)))).rejects.toThrow(
      'is cut short: it ends after 1,000 bytes',
    );
  });

  it('that is missing or a folder gets a sentence', async () => {
    await expect(readReport(join(folder, 'none.json'))).rejects.toThrow('no such file or folder');
    await expect(readReport(folder)).rejects.toThrow('to be a file or a pipe, found a folder');
  });
});
