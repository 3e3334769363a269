import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { SettingError } from '../../src/errors.js';
import { auditSettings, shardOf } from '../../src/settings/audit-settings.js';
import { toAuditOptions } from '../../src/settings/options.js';
import { serveSettings } from '../../src/settings/serve-settings.js';
import { helpOf, percent, type Setting } from '../../src/settings/setting.js';
import {
  checkSettings,
  namesOf,
  requestSchema,
  settings,
  settingsSchema,
} from '../../src/settings/settings.js';

const all: [string, Setting][] = [...Object.entries(settings), ...Object.entries(serveSettings)];

describe('the table of settings', () => {
  it('holds what the configuration file may hold, and nothing else', () => {
    expect(Object.keys(settingsSchema.shape).filter((name) => name !== '$schema')).toEqual(namesOf(settings));
  });

  it.each(all)('says of %s what it means and what it must be', (_, { help, expected, value, kind }) => {
    expect(help).not.toBe('');
    expect(expected).not.toMatch(/\.$/);
    expect(value === undefined).toBe(kind === 'switch');
  });

  it.each(all)('holds a default of %s that its schema accepts', (_, setting) => {
    if (setting.default === undefined) return;
    expect(setting.schema.safeParse(setting.default).success).toBe(true);
    expect(helpOf(setting)).toMatch(/ \(default: .+\)$/);
  });

  it.each(all.filter(([, { kind }]) => kind === 'number'))('bounds %s on both sides', (_, { schema }) => {
    for (const beyond of [-1, 1e39, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(schema.safeParse(beyond).success, String(beyond)).toBe(false);
    }
  });
});

describe('checkSettings', () => {
  it('returns what the schemas read', () => {
    const values = { maxDeadRatio: '0.7%', tokens: 'all', elsewhere: 1, seqLen: undefined };
    expect(checkSettings(settings, values)).toEqual({ maxDeadRatio: 0.007, tokens: 'all' });
  });

  it('refuses more threads than there are cores', () => {
    expect(() => checkSettings(auditSettings, { threads: 100_000 })).toThrow(
      `Expected \`threads\` to be a whole number from 0 to ${availableParallelism()}, the cores of this machine, got \`100000\`.`,
    );
    expect(() => checkSettings(auditSettings, { threads: availableParallelism() })).not.toThrow();
  });

  it('takes the name of a split, and nothing that could be more than a name', () => {
    expect(checkSettings(auditSettings, { split: 'valid' })).toEqual({ split: 'valid' });
    for (const split of ['__proto__', '../test', 'a b', 'x'.repeat(65), '']) {
      expect(() => checkSettings(auditSettings, { split })).toThrow(SettingError);
    }
  });

  it('names the setting in its error', () => {
    const attempt = () => checkSettings(settings, { layers: [-1] });
    expect(attempt).toThrow(SettingError);
    expect(attempt).toThrow(/^Expected `layers` to be layer numbers.*, got `\[-1\]`\.$/);
  });

  it('knows no setting called like a part of every object', () => {
    expect(checkSettings(settings, { constructor: 1, toString: 2, ['__proto__']: 3 })).toEqual({});
  });
});

describe('a request', () => {
  it('may set what is no file of the server', () => {
    const schema = requestSchema();
    expect(schema.safeParse({ tokens: 64, dead: 'silent', maxDeadRatio: '5%' }).data).toEqual({
      tokens: 64,
      dead: 'silent',
      maxDeadRatio: 0.05,
    });
    for (const name of ['data', 'tokenizer', 'plugin', 'baseline', 'report', 'resume', 'push', 'threads']) {
      expect(schema.safeParse({ [name]: 'x' }).success, name).toBe(false);
    }
  });
});

describe('toAuditOptions', () => {
  it('takes what an audit needs, and leaves out what is not set', () => {
    const given = { format: 'json', tokens: 5, dead: 'silent', report: 'r.json' } as const;
    expect(toAuditOptions('m.onnx', given)).toEqual({ model: 'm.onnx', tokens: 5, dead: 'silent' });
  });
});

describe('percent', () => {
  it.each([
    ['5%', 0.05],
    ['0.7 %', 0.007],
    ['1e1%', 0.1],
    ['.5%', 0.005],
  ])('reads %s as the nearest number', (text, value) => {
    expect(percent(text)).toBe(value);
  });
});

describe('a time', () => {
  it.each([
    ['6h', 21_600],
    ['1.5 m', 90],
    ['100ms', 0.1],
    [5, 5],
  ])('is read from %j', (text, value) => {
    expect(serveSettings.poll.schema.safeParse(text).data ?? serveSettings.every.schema.parse(text)).toBe(
      value,
    );
  });

  it.each(['', '6 weeks', '25d', '0s', '-1s', 1e9])('is not %j', (text) => {
    expect(serveSettings.every.schema.safeParse(text).success).toBe(false);
  });
});

describe('shardOf', () => {
  it('reads the index and the number of shards', () => {
    expect(shardOf('1/3')).toEqual({ index: 1, count: 3 });
  });
});
