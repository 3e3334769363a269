import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flipReportSchema } from '../../src/repair/flip/schema.js';
import { audit } from './audit.js';

const model = 'models/mlp/model.onnx';
const data = ['--data', 'models/mlp/inputs.npz'];
const folder = () => mkdtempSync(join(tmpdir(), 'audit-flip-cli-'));

describe('audit flip', () => {
  it('says that there is nothing to flip, writes an identical clone, and passes', async () => {
    const output = join(folder(), 'out.onnx');
    const { stdout, exitCode } = await audit(['flip', model, '-o', output, ...data]);
    expect(stdout).toMatch(/nothing to\s+flip/);
    expect(exitCode).toBe(0);
    expect(readFileSync(output).equals(readFileSync(model))).toBe(true);
  });

  it('prints its report as pure JSON and saves it', async () => {
    const [output, report] = [join(folder(), 'out.onnx'), join(folder(), 'flip.json')];
    const { stdout, exitCode } = await audit([
      'flip',
      model,
      '-o',
      output,
      ...data,
      '--json',
      '--report',
      report,
    ]);
    expect(exitCode).toBe(0);
    const parsed = flipReportSchema.parse(JSON.parse(stdout));
    expect(parsed.summary).toMatchObject({ outcome: 'nothing-to-flip', points: 512, guaranteed: 64 });
    expect(readFileSync(report, 'utf8')).toBe(stdout);
    const shown = await audit(['show', report]);
    expect(shown.stdout).toMatch(/3 rectifier layers/);
  });

  it('writes nothing with --dry-run', async () => {
    const before = readdirSync('models/mlp');
    const { stdout, exitCode } = await audit(['flip', model, '--dry-run', ...data]);
    expect(stdout).toMatch(/output {4}none: --dry-run/);
    expect(exitCode).toBe(0);
    expect(readdirSync('models/mlp')).toEqual(before);
  });

  it.each([
    [[model, ...data], /Expected `-o OUT\.onnx`, `--in-place` or `--dry-run`/],
    [[model, ...data, '-o', model], /is the input itself/],
    [[model, ...data, '-o', 'x.onnx', '--dry-run'], /exclude each other/],
    [['models/gpt2-relu/model.onnx', '--dry-run'], /it has attention/],
  ])('refuses %j in one sentence', async (args, sentence) => {
    const { stderr, exitCode } = await audit(['flip', ...args]);
    expect(stderr).toMatch(sentence);
    expect(exitCode).toBe(2);
  });
});
