import { describe, expect, it } from 'vitest';
import { flagOf, withFlags } from '../../src/cli/flags.js';
import { SettingError, UserError } from '../../src/errors.js';

describe('flagOf', () => {
  it('puts dashes between the words of a setting', () => {
    expect(flagOf('sarifMaxLevel')).toBe('--sarif-max-level');
    expect(flagOf('data')).toBe('--data');
  });
});

describe('withFlags', () => {
  const shown = (message: string, settings: string[]) =>
    withFlags(new UserError(message, 'test', { settings }));

  it('writes the settings of a message as options', () => {
    expect(shown('Use `data=random`, or name a `seqLen`.', ['data', 'seqLen'])).toBe(
      'Use `--data random`, or name a `--seq-len`.',
    );
    expect(shown('Leave it out with `hash=false`, or ask for `strict=true`.', ['hash', 'strict'])).toBe(
      'Leave it out with `--no-hash`, or ask for `--strict`.',
    );
  });

  it('leaves words alone that the error does not name as settings', () => {
    expect(shown('`data` has no `report`.', ['report'])).toBe('`data` has no `--report`.');
    expect(shown('`database` is data.', ['data'])).toBe('`database` is data.');
  });

  it('writes what is wrong with one setting', () => {
    const error = new SettingError('maxIncrease', 'a ratio from 0 to 1', 1.4);
    expect(error.message).toBe('Expected `maxIncrease` to be a ratio from 0 to 1, got `1.4`.');
    expect(withFlags(error)).toBe('Expected `--max-increase` to be a ratio from 0 to 1, got `1.4`.');
    expect(error).toBeInstanceOf(UserError);
    expect(error.code).toBe('option-value');
  });

  it('writes a value that is missing, a list and a text', () => {
    expect(new SettingError('to', 'a list', undefined).message).toBe(
      'Expected `to` to be a list, got nothing.',
    );
    expect(new SettingError('layers', 'numbers', [1, 'x']).message).toMatch(/got `\[1,"x"\]`\.$/);
    expect(new SettingError('dead', 'a criterion', 'x').message).toMatch(/got `x`\.$/);
  });
});
