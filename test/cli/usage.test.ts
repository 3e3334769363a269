import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { explain } from '../../src/cli/explain.js';
import { program, withVerb } from '../../src/cli/program.js';
import { UserError } from '../../src/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-usage-'));
afterAll(() => rmSync(folder, { recursive: true }));
const report = join(folder, 'report.json');
writeFileSync(report, '{}');

/** What the command line says to these arguments, which are all wrong. */
async function complaint(...args: string[]): Promise<string> {
  try {
    await program().parseAsync(withVerb(args), { from: 'user' });
  } catch (error) {
    return explain(error).text!;
  }
  throw new Error('expected a complaint');
}

describe('a wrong value', () => {
  it.each([
    [['--tokens', 'x'], 'Expected `--tokens` to be a whole number from 1 or `all`, got `x`.'],
    [['--tokens', '0'], 'Expected `--tokens` to be a whole number from 1 or `all`, got `0`.'],
    [['--tokens', '1.5'], 'Expected `--tokens` to be a whole number from 1 or `all`, got `1.5`.'],
    [['--tokens', ''], 'Expected `--tokens` to be a whole number from 1 or `all`, got ``.'],
    [['--tokens', 'Infinity'], 'Expected `--tokens` to be a whole number from 1 or `all`, got `Infinity`.'],
    [['--seq-len', '-4'], 'Expected `--seq-len` to be a whole number from 1 to 16,777,216, got `-4`.'],
    [['--shard', '2/2'], 'Expected `--shard` to be `I/N` with 0 ≤ I < N, as in `0/2`, got `2/2`.'],
    [['--shard', '1'], 'Expected `--shard` to be `I/N` with 0 ≤ I < N, as in `0/2`, got `1`.'],
    [['--layers', '3-1'], 'Expected `--layers` to be layer numbers, as in `0,1,8-11`, got `3-1`.'],
    [['--layers', '1,x'], 'Expected `--layers` to be layer numbers, as in `0,1,8-11`, got `1,x`.'],
    [
      ['--sites', 'a,,b'],
      'Expected `--sites` to be site names or ids, as in `mlp_post,5.attn_out`, got `a,,b`.',
    ],
    [
      ['--map', 'x'],
      'Expected `--map` to be `ID=TENSOR`, as in `3.mlp_post=/h.3/act/Mul_3_output_0`, got `x`.',
    ],
    [['--threshold', '-1'], 'Expected `--threshold` to be a number from 0, got `-1`.'],
    [['--firing', 'neg'], 'Expected `--firing` to be one of abs, positive, got `neg`.'],
    [['--dead', 'x'], 'Expected `--dead` to be one of frequency, silent, sum, mean-abs, dormant, got `x`.'],
    [['--device', 'tpu'], 'Expected `--device` to be one of auto, cpu, cuda, webgpu, got `tpu`.'],
    [
      ['--max-dead-ratio', '500%'],
      'Expected `--max-dead-ratio` to be a ratio from 0 to 1, as in 0.05 or 5%, got `500%`.',
    ],
    [['--format', 'xml'], 'Expected `--format` to be one of table, json, github, got `xml`.'],
    [['--json', '--format', 'table'], '`--json` and `--format table` exclude each other.'],
    [
      ['--sarif-max-level', 'note'],
      '`--sarif-max-level` says how severe `--sarif FILE` may be: name that file.',
    ],
    [['--max-increase', '0.1'], '`--max-increase` needs a `--baseline` to compare with.'],
  ])('%j is told in a sentence', async (args, message) => {
    expect(await complaint('model.onnx', ...args)).toBe(message);
  });

  it('shows the grammar beside a rule that cannot be read', async () => {
    expect(await complaint('model.onnx', '--fail-on', 'mlp_post.dead_ratio')).toMatch(/SELECTOR {2}/);
  });
});

describe('a wrong command', () => {
  it('is told what is near it', async () => {
    expect(await complaint('model.onnx', '--tokenz', '5')).toMatch(/--tokens/);
    expect(await complaint('inspct')).toMatch(
      /^`inspct` is neither a command nor a file\. Did you mean `inspect`\? Commands are run, inspect/,
    );
    expect(await complaint('grafana', 'exprt')).toMatch(/^Unknown command `exprt`\. Did you mean export\?/);
    expect(await complaint('help', 'gat')).toMatch(
      /^There is no command `gat`\. Did you mean `gate`\? Commands are run/,
    );
  });

  it('is no words at all: a build whose variable is empty must not pass', () => {
    expect(() => withVerb([])).toThrow(UserError);
  });

  it.each([['gate'], ['diff', 'one.json'], ['merge'], ['run']])('lacks an argument: %j', async (...args) => {
    expect(await complaint(...args.flat())).toMatch(
      /^Missing required argument `\w+\.(json|onnx)(\.\.\.)?`\. See `audit --help`\.$/,
    );
  });

  it('asks a gate for something to judge by', async () => {
    expect(await complaint('gate', report)).toMatch(/^Expected something to judge by: `--fail-on RULE`/);
  });
});

describe('a file that cannot be written', () => {
  it.each([
    ['below a file', join(report, 'x.json'), /report\.json` is no folder/],
    ['a folder', folder, /it is a folder/],
    ['what is read', 'model.onnx', /the same file is an input of this command/],
  ])('is told before anything runs: %s', async (_, path, message) => {
    expect(await complaint('model.onnx', '--report', path)).toMatch(message);
    expect(await complaint('model.onnx', '--junit', path)).toMatch(message);
  });

  it('is one that two options name', async () => {
    const message = await complaint('model.onnx', '--report', report, '--sarif', report);
    expect(message).toMatch(/^`--sarif .*` cannot be written: the same file is `--report`\.$/);
  });
});

describe('several models', () => {
  it('are told how to be audited', async () => {
    expect(await complaint('run', 'a.onnx', 'b.onnx')).toMatch(
      /^Too many arguments for `run`\..*for model in \*\.onnx; do audit "\$model"; done/,
    );
  });
});

describe('withVerb', () => {
  it.each([
    [
      ['model.onnx', '--json'],
      ['run', 'model.onnx', '--json'],
    ],
    [
      ['--json', 'model.onnx'],
      ['run', '--json', 'model.onnx'],
    ],
    [['./gate'], ['run', './gate']],
    [
      ['gate', 'r.json'],
      ['gate', 'r.json'],
    ],
    [
      ['run', 'gate'],
      ['run', 'gate'],
    ],
    [['grafana'], ['grafana', '--help']],
    [['--help'], ['--help']],
    [['-V'], ['-V']],
  ])('reads %j as %j', (args, expected) => {
    expect(withVerb(args)).toEqual(expected);
  });
});

describe('help', () => {
  const help = (...args: string[]) => {
    let text = '';
    const root = program().configureOutput({ writeOut: (part) => (text += part) });
    for (const command of root.commands) command.copyInheritedSettings(root);
    return root
      .parseAsync(args, { from: 'user' })
      .catch(() => {})
      .then(() => text);
  };

  it('lists data, criteria, rules and exit codes, within 80 columns', async () => {
    const text = await help('--help');
    for (const word of ['wikitext-103', 'dormant', 'SELECTOR', '--fail-on', '130', 'doctor']) {
      expect(text).toContain(word);
    }
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it.each(['run', 'inspect', 'gate', 'diff', 'merge', 'show', 'doctor'])(
    'of %s fits 80 columns',
    async (verb) => {
      const text = await help(verb, '--help');
      expect(text).toMatch(/^Usage: audit /);
      expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );
});
