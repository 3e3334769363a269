import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boundsReportSchema, figureSchema } from '../../src/bounds/schema.js';
import { audit } from './audit.js';

const run = (...args: string[]) => audit(['bounds', ...args]);
const json = async (...args: string[]) => {
  const { stdout, stderr, exitCode } = await run(...args, '--json');
  expect([stderr, exitCode]).toEqual(['', 0]);
  return boundsReportSchema.parse(JSON.parse(stdout));
};

describe('audit bounds', () => {
  it('prints both bounds for a width and a depth', async () => {
    const { stdout, exitCode } = await run('--width', '8', '--depth', '64');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^network {3}64 rectifier layers of 8 units, with bias$/m);
    expect(stdout).toMatch(/^lower {5}0\.7784: \(1 − 2\^−n\)\^k with n = 8$/m);
    expect(stdout).toMatch(/^upper {5}1 − 1\.33e-20: \(1 − 2\^−\(n²\+n\)\)\^\(k−1\)$/m);
    const { bounds } = await json('--width', '3', '--depth', '4', '--no-bias');
    expect(bounds!.lower).toBeCloseTo((7 / 8) ** 4, 14);
    expect(bounds!.upper).toBeCloseTo((1 - 2 ** -9) ** 3, 14);
  });

  it('bounds convolutions whose kernels span all maps, and prints equation 22 beside it', async () => {
    const { bounds, warnings } = await json('--width', '2', '--depth', '4', '--kernel', '3');
    expect(bounds!.lower).toBeCloseTo((3 / 4) ** 4, 14);
    expect(bounds!.deathAtLeast / (3 * 2 ** -38)).toBeCloseTo(1, 9);
    expect(bounds!.upperOneMap).toBeCloseTo((1 - 2 ** -20) ** 3, 14);
    expect(warnings).toEqual([]);
    const { stdout } = await run('--width', '2', '--depth', '4', '--kernel', '3', '--no-bias');
    expect(stdout).toMatch(/^upper {5}1 − 4\.37e-11: \(1 − 2\^−N²M²\)\^\(k−1\)$/m);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      '1 − 1.14e-5: (1 − 2^−N·M²)^(k−1), equation 22 as printed, for kernels of one input map each',
    );
  });

  it('finds the width a depth needs and the depth a width carries', async () => {
    const { width, network } = await json('--depth', '256', '--probability', '0.5');
    expect(width).toMatchObject({ width: 9, depth: 256 });
    expect(network!.width).toBe(9);
    const { deepest, network: none } = await json('--width', '9', '--probability', '0.5');
    expect(deepest).toEqual({ probability: 0.5, width: 9, depth: 354 });
    expect(none).toBeNull();
  });

  it('takes the layers of a model', async () => {
    const { network, bounds } = await json('models/mlp/model.onnx');
    expect(network!.layers.map(({ neurons, parameters }) => [neurons, parameters])).toEqual([
      [64, 64 * 33],
      [64, 64 * 65],
      [32, 32 * 65],
    ]);
    expect(bounds!.deathAtMost / (2 * 2 ** -64 + 2 ** -32)).toBeCloseTo(1, 9);
  });

  it('checks the bounds with random networks', async () => {
    const { simulation, bounds } = await json(
      ...[
        '--width',
        '3',
        '--depth',
        '6',
        '--no-bias',
        '--simulate',
        '--networks',
        '300',
        '--points',
        '64',
        '--quiet',
      ],
    );
    expect(simulation).toMatchObject({ networks: 300, points: 64, seed: 1, agrees: true });
    expect(simulation!.byDepth).toHaveLength(6);
    expect(simulation!.interval.high).toBeGreaterThan(bounds!.lower);
  });

  it('writes the figures as data and drawings', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'audit-figures-')), 'new');
    const { figures } = await json('--figures', folder, '--networks', '4', '--points', '16', '--quiet');
    expect(readdirSync(folder).sort()).toEqual(
      [2, 4, 5, 6].flatMap((n) => [`figure-${n}.json`, `figure-${n}.svg`]),
    );
    expect(figures).toHaveLength(8);
    for (const n of [2, 4, 5, 6]) {
      const figure = figureSchema.parse(JSON.parse(readFileSync(join(folder, `figure-${n}.json`), 'utf8')));
      expect(figure.figure).toBe(n);
      const svg = readFileSync(join(folder, `figure-${n}.svg`), 'utf8');
      for (const { title } of figure.panels) expect(svg).toContain(title);
    }
  }, 60_000);

  it.each([
    [[], /Expected a model, `--width` with `--depth`/],
    [['--width', '8'], /Expected a model, `--width` with `--depth`/],
    [
      ['--width', '0', '--depth', '2'],
      /Expected `--width` to be a whole number from 1 to 1,000,000, got `0`/,
    ],
    [
      ['--width', '8', '--depth', '1.5'],
      /Expected `--depth` to be a whole number from 1 to 1,000,000,000,000,000, got `1\.5`/,
    ],
    [['--depth', '8', '--probability', '1'], /Expected `--probability` to be a number between 0 and 1/],
    [['models/mlp/model.onnx', '--width', '3'], /found both/],
    [['models/mlp/model.onnx', '--simulate'], /`--simulate` needs `--width` and `--depth`/],
    [['--width', '999999999999', '--depth', '2'], /from 1 to 1,000,000 \(no more, since no layer is wider\)/],
    [['--width', '4', '--depth', '2', '--seed', '4294967296'], /no more, since a seed has 32 bits/],
    [['--probability', '0.5'], /Expected a model, `--width` with `--depth`, one of them/],
    [['--width', '5000', '--depth', '2', '--simulate'], /goes up to a `--width` of 1,024/],
    [
      ['--width', '64', '--depth', '2', '--kernel', '64', '--simulate'],
      /goes up to `--width` × `--kernel` of 1,024/,
    ],
    [['--width', '2', '--depth', '9999', '--simulate'], /goes up to a `--depth` of 4,096/],
    [
      ['--width', '1024', '--depth', '2', '--points', '100000', '--simulate'],
      /goes up to `--width` × `--points` of 16,777,216, since it must fit into memory; got 102,400,000/,
    ],
    [['--figures', 'docs', '--points', '9999999'], /`--width` × `--points` of 16,777,216/],
    [['models/gpt2-relu/model.onnx'], /Expected a rectifier network: .* it has attention/],
    [['models/gpt2/model.onnx', '--depth', '3'], /found both/],
    [['no-such.onnx'], /found nothing there/],
    [['--figures', 'package.json', '--networks', '2'], /cannot be made a folder/],
  ])('refuses %j in one sentence', async (args, sentence) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect([stdout, exitCode]).toEqual(['', 2]);
  });
});
