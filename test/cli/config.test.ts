import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { addConfigOption, addSettings } from '../../src/cli/options.js';
import { readSettings } from '../../src/cli/settings.js';
import { configJsonSchema, loadConfig } from '../../src/settings/config.js';
import { toAuditOptions } from '../../src/settings/options.js';
import { type SettingName, settingsSchema } from '../../src/settings/settings.js';
import { root } from './audit.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const names = Object.keys(settingsSchema.shape).filter((name) => name !== '$schema') as SettingName[];

function file(content: unknown): string {
  const path = join(folder, 'some.config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** The settings that a command with all options reads from its arguments. */
function settingsOf(...args: string[]) {
  const command = new Command();
  addSettings(command, names);
  addConfigOption(command);
  command.parse(args, { from: 'user' });
  return readSettings(command, names);
}

describe('the command line', () => {
  it('says nothing about what was not given', () => {
    expect(settingsOf()).toEqual({});
  });

  it('reads every kind of value', () => {
    const args =
      '--tokens all --layers 0,2-4 --sites mlp_post,*.attn_out --map a=b=c --map d=e --fail-on x --fail-on y';
    expect(settingsOf(...args.split(' '), '--no-hash', '--strict', '--threshold', '1e-4', '--json')).toEqual({
      tokens: 'all',
      layers: [0, 2, 3, 4],
      sites: ['mlp_post', '*.attn_out'],
      map: { a: 'b=c', d: 'e' },
      failOn: ['x', 'y'],
      hash: false,
      strict: true,
      threshold: 1e-4,
      format: 'json',
    });
  });

  it('overrules the configuration, option by option', () => {
    const config = file({ tokens: 100, failOn: ['a'], hash: false, seqLen: 8 });
    expect(settingsOf('--config', config, '--tokens', '5', '--fail-on', 'b')).toEqual({
      tokens: 5,
      failOn: ['b'],
      hash: false,
      seqLen: 8,
    });
  });

  it('becomes the options of an audit', () => {
    const settings = settingsOf('--shard', '1/3', '--plugin', 'a.js', '--dead', 'silent', '--format', 'json');
    expect(toAuditOptions('m.onnx', settings)).toEqual({
      model: 'm.onnx',
      shard: '1/3',
      plugin: ['a.js'],
      dead: 'silent',
    });
  });
});

describe('a configuration file', () => {
  it('has paths relative to its own folder, and names that are none', () => {
    writeFileSync(join(folder, 'text.txt'), 'x');
    expect(loadConfig(file({ report: 'r.json', plugin: ['p.js'], data: 'text.txt' }))).toEqual({
      report: join(folder, 'r.json'),
      plugin: [join(folder, 'p.js')],
      data: join(folder, 'text.txt'),
    });
    expect(loadConfig(file({ $schema: './x.json', data: 'wikitext', tokenizer: 'gpt2' }))).toEqual({
      data: 'wikitext',
      tokenizer: 'gpt2',
    });
  });

  it.each<[unknown, RegExp]>([
    [
      { tokens: 'many' },
      /^Expected `tokens` in `.*some\.config\.json` to be a whole .* or `all`, got "many"\.$/,
    ],
    [{ shard: '3/2' }, /^Expected `shard` in .* to be `I\/N` .*, got "3\/2"\.$/],
    [{ failOn: 'x' }, /^Expected `failOn` in .* to be rules.*, got "x"\.$/],
    [{ layers: [0, -1] }, /^Expected `layers` in .* to be layer numbers.*, got \[0,-1\]\.$/],
    [{ tokenz: 1 }, /^`tokenz` in .* is no setting\. Did you mean `tokens`\? Known are /],
    [[], /to hold one JSON object of settings\.$/],
    ['{"tokens": 1,}', /is no JSON: /],
  ])('is told in a sentence what is wrong with %j', (content, message) => {
    expect(() => loadConfig(file(content))).toThrow(message);
  });

  it('is told of when it is missing, but only if it was asked for', () => {
    expect(() => loadConfig(join(folder, 'none.json'))).toThrow(/no such file or folder/);
    expect(() => loadConfig(folder)).toThrow(/to be a file, found a folder/);
    expect(() => loadConfig('/dev/zero')).toThrow(/to be a file, found a device/);
    const pipe = join(folder, 'pipe.json');
    execFileSync('mkfifo', [pipe]);
    expect(() => loadConfig(pipe)).toThrow(/to be a file, found a pipe/);
  });
});

describe('schema/config.schema.json', () => {
  it('is that of the code (vitest run -u writes it)', async () => {
    const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(root, 'schema/config.schema.json'));
  });

  it('accepts what the code accepts, and refuses what it refuses', () => {
    const validate = new Ajv2020({ strict: false }).compile(configJsonSchema());
    for (const good of [{}, { tokens: 'all' }, { map: { a: 'b' }, maxDeadRatio: 0.5 }]) {
      expect([validate(good), settingsSchema.safeParse(good).success]).toEqual([true, true]);
    }
    for (const bad of [{ tokens: 0 }, { tokenz: 1 }, { layers: [] }, { maxDeadRatio: 2 }]) {
      expect([validate(bad), settingsSchema.safeParse(bad).success]).toEqual([false, false]);
    }
  });
});
