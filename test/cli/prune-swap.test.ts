import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { audit } from './audit.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-cli-prune-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const mlp = 'models/mlp/model.onnx';
const data = ['--data', 'models/mlp/inputs.npz', '--threads', '1'];
const pruning = [...data, '--yes'];

describe('audit prune', () => {
  it('says what it removed, and what size, speed and outputs are now', { timeout: 60_000 }, async () => {
    const output = join(folder, 'smaller.onnx');
    const ended = await audit(['prune', mlp, '-o', output, ...pruning]);
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/summary\s+\d+ neurons removed from 3 layers/);
    expect(ended.stdout).toMatch(/size .* → .* parameters, 35,837 → [\d,]+/);
    expect(ended.stdout).toMatch(/outputs\s+differ by at most/);
    expect(existsSync(output)).toBe(true);
  });

  it('prints and writes the report as JSON', { timeout: 60_000 }, async () => {
    const report = join(folder, 'prune.json');
    const args = [
      'prune',
      mlp,
      '-o',
      join(folder, 'b.onnx'),
      '--json',
      '--align',
      '8',
      '--report',
      report,
      ...pruning,
    ];
    const ended = await audit(args);
    const printed = JSON.parse(ended.stdout);
    expect(printed.kind).toBe('prune');
    for (const { neurons } of printed.sites) expect(neurons.after % 8).toBe(0);
    expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual(printed);
    const shown = await audit(['show', report]);
    expect(shown.stdout).toMatch(/widths stay multiples of 8/);
  });

  it.each([
    [['prune', mlp], /Expected `-o OUT.onnx`/],
    [['prune', mlp, '-o', mlp], /is the input itself/],
    [
      ['prune', mlp, '-o', join(folder, 'x.onnx'), '--align', '0'],
      /Expected `--align` to be a whole number from 1 to 4,096, got `0`/,
    ],
    [['prune', mlp, '-o', join(folder, 'x.onnx'), '--align', '9e99'], /from 1 to 4,096, got `9e99`/],
    [['prune', mlp, '-o', join(folder, 'x.onnx'), '--only', 'dead'], /Expected `--only` to be `proven`/],
    [
      ['prune', mlp, '-o', join(folder, 'x.onnx'), ...data],
      /dead on this data only: remove the proven ones with `--only proven`, check the others on a second data set with `--verify DATA`, or remove them all with `--yes`\.$/m,
    ],
    [['prune', 'nowhere.onnx', '-o', join(folder, 'x.onnx')], /found nothing there/],
  ])('%j is refused in one sentence', async (args, message) => {
    const ended = await audit(args);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('audit swap', () => {
  it('prints dead ratios side by side and the quality of each', { timeout: 60_000 }, async () => {
    const ended = await audit(['swap', mlp, '--to', 'relu,gelu', ...data]);
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/dead\s+as it is\s+relu\s+gelu/);
    expect(ended.stdout).toMatch(/nothing was retrained/);
    expect(ended.stdout).toMatch(/gelu: loss/);
  });

  it.each([
    [['swap', mlp], /`--to` to be some of relu, .* got nothing/],
    [['swap', mlp, '--to', 'relu,swoosh'], /got `swoosh`/],
    [['swap', mlp, '--to', 'gelu:0.5'], /Expected `--to` to be `gelu` without a number, got `gelu:0.5`/],
    [['swap', mlp, '--to', 'reluu'], /Did you mean `relu`/],
    [['swap', mlp, '--to', 'relu', '--alpha', '0.1'], /`--alpha` is of leaky_relu and elu/],
    [['swap', mlp, '--to', 'elu', '--alpha', 'x'], /`--alpha` to be a number, got `x`/],
    [['swap', mlp, '--to', 'elu', '-o', mlp], /it is a file, not a folder/],
  ])('%j is refused in one sentence', async (args, message) => {
    const ended = await audit(args);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });
});
