import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkOutputFile, checkOutputFiles, writeOutput, writeOutputFiles } from '../../src/cli/outputs.js';
import { smallReport } from '../report/fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-outputs-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('files that a command writes', () => {
  it('lie in folders that are made for them', async () => {
    const files = {
      report: join(folder, 'a/b/r.json'),
      markdown: join(folder, 'a/r.md'),
      sarif: join(folder, 'c/r.sarif'),
    };
    checkOutputFiles(files);
    await writeOutputFiles(smallReport(), files);
    expect(JSON.parse(readFileSync(files.report, 'utf8')).kind).toBe('audit');
    expect(readFileSync(files.markdown, 'utf8')).toMatch(/^## gpt2/);
    expect(JSON.parse(readFileSync(files.sarif, 'utf8')).version).toBe('2.1.0');
  });

  it('are not made below a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(() => checkOutputFile('--report', join(file, 'x/r.json'))).toThrow(/file` is no folder\.$/);
    await expect(writeOutput(join(file, 'x/r.json'), '')).rejects.toThrow(
      /cannot be written: (a part of the path is a file|something of that name)/,
    );
  });

  it.skipIf(process.getuid?.() === 0)('need a folder that may be written', () => {
    const locked = join(folder, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    expect(() => checkOutputFile('--report', join(locked, 'new/r.json'))).toThrow(/no permission to write/);
  });

  it('may be a device', async () => {
    checkOutputFile('--report', '/dev/null');
    await writeOutput('/dev/null', 'x');
  });
});
