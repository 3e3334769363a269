import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAnyReport } from '../../src/app/report-kinds.js';
import type { StripReport } from '../../src/repair/strip/schema.js';
import { audit, root } from './audit.js';

const model = join(root, 'models/mlp/model.onnx');
const data = ['--data', join(root, 'models/mlp/inputs.npz'), '--device', 'cpu', '--threads', '1'];
const newFolder = (): string => mkdtempSync(join(tmpdir(), 'audit-cli-strip-'));

describe('audit strip', () => {
  test('starts from a saved audit and leaves it as it is', async () => {
    const saved = join(newFolder(), 'saved.json');
    expect((await audit([model, ...data, '--quiet', '--report', saved])).exitCode).toBe(0);
    const before = readFileSync(saved, 'utf8');
    const { exitCode, stdout } = await audit(['strip', model, '--dry-run', ...data, '--report', saved]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/0\.mlp_post +64/);
    expect(readFileSync(saved, 'utf8')).toBe(before);
  });

  test('writes the model and its record, says what it did, and --undo restores the original', async () => {
    const folder = newFolder();
    const output = join(folder, 'out.onnx');
    const { exitCode, stdout, stderr } = await audit([
      'strip',
      model,
      '-o',
      output,
      ...data,
      '--rounds',
      '2',
    ]);
    expect(stderr).toMatch(/Round 2: \d+ weights of 21 dead neurons set to zero/);
    expect(stdout).toMatch(/0\.mlp_post +64 +7 +7 +0 +0 +7 +\d+/);
    expect(stdout).toMatch(/quality +loss 0\.0\d+, accuracy 99\.8% →/);
    expect(stdout).toMatch(/nothing was retrained/);
    expect(exitCode).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['out.onnx', 'out.onnx.strip.json']);
    expect(readFileSync(output).equals(readFileSync(model))).toBe(false);
    const undone = await audit(['strip', '--undo', output]);
    expect(undone.stdout).toMatch(
      /is restored: \d+ weights have their old values\.\nsha256 [0-9a-f]{64} {2}out\.onnx/,
    );
    expect(readFileSync(output).equals(readFileSync(model))).toBe(true);
    expect((await audit(['strip', '--undo', output])).exitCode).toBe(2);
  });

  test('--json is a report by its schema, from a saved audit too', async () => {
    const folder = newFolder();
    const saved = join(folder, 'report.json');
    await audit([model, ...data, '--report', saved, '--quiet']);
    const args = ['strip', model, '--dry-run', '--json', '--report', saved, '--by', 'contribution', ...data];
    const { exitCode, stdout } = await audit(args);
    expect(exitCode).toBe(0);
    const report = parseAnyReport(stdout, 'stdout') as StripReport;
    expect(report.kind).toBe('strip');
    expect(report.options).toEqual({
      by: 'contribution',
      fraction: 0.1,
      rounds: 1,
      allowShared: false,
      mode: 'dry-run',
    });
    expect(report.summary.dead.before).toBe(21);
    expect(report.output).toBe(null);
    expect(readdirSync(folder)).toEqual(['report.json']);
  });

  test.each([
    [['--dry-run', '--fraction', '1.5'], /Expected `--fraction` to be a share in \(0, 1\]/],
    [['--dry-run', '--rounds', '0'], /Expected `--rounds` to be a whole number from 1 to 1,000, got `0`/],
    [['--dry-run', '--by', 'size'], /Expected `--by` to be one of weight, contribution, got `size`/],
    [['--dry-run', '--max-quality-loss', 'some'], /a ratio, as in 0\.005 or 0\.5%, got `some`/],
    [[], /Expected `-o OUT\.onnx`, `--in-place` or `--dry-run`/],
    [['--in-place', '--dry-run'], /`--in-place` and `--dry-run` exclude each other/],
    [['-o', model], /is the input itself/],
    [['--undo', '--dry-run'], /`--undo` takes the model alone/],
    [['--dry-run', '--report', 'none.json'], /none\.json/],
    [['--dry-run', '--sites', 'attn_out'], /./],
  ])('refuses %j with one sentence', async (args, sentence) => {
    const { exitCode, stdout, stderr } = await audit(['strip', model, ...args, ...data]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('exits with 1 and writes nothing when the quality falls by more than allowed', async () => {
    const folder = newFolder();
    const copy = join(folder, 'model.onnx');
    copyFileSync(model, copy);
    // Nearly every neuron is called dead, and loses all its negative weights.
    const everything = ['--dead-below', '1', '--fraction', '1'];
    const args = ['strip', copy, '--in-place', '--max-quality-loss', '0.5%', ...everything, ...data];
    const { exitCode, stdout } = await audit(args);
    expect(stdout).toMatch(/nothing was written: the quality fell by more than 0\.5%/);
    expect(exitCode).toBe(1);
    expect(readFileSync(copy).equals(readFileSync(model))).toBe(true);
    expect(existsSync(`${copy}.strip.json`)).toBe(false);
  });
});
