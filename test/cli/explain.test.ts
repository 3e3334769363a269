import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/cli/explain.js';
import { Interrupted, RunError, SettingError, UserError } from '../../src/errors.js';

describe('explain', () => {
  it('ends with 2 for what is wrong with the input, in the words of the command line', () => {
    expect(explain(new SettingError('seqLen', 'a whole number', 'x'))).toEqual({
      text: 'Expected `--seq-len` to be a whole number, got `x`.',
      exitCode: 2,
    });
    const detailed = new UserError('It is wrong.', 'wrong', { details: ['', '  here'] });
    expect(explain(detailed)).toEqual({ text: 'It is wrong.\n\n  here', exitCode: 2 });
  });

  it('ends with 3 for a run that failed, and with 130 for an interruption', () => {
    const failed = new RunError('Memory ran out: use a smaller `batchSize`.', { settings: ['batchSize'] });
    expect(explain(failed)).toEqual({ text: 'Memory ran out: use a smaller `--batch-size`.', exitCode: 3 });
    expect(explain(new Interrupted('Stopped.'))).toEqual({ text: 'Stopped.', exitCode: 130 });
  });

  it('shows the stack of a bug with its causes, and asks to report it', () => {
    const { text, exitCode, bug } = explain(new TypeError('inner', { cause: new Error('\u001b[2J') }));
    expect(exitCode).toBe(3);
    expect(bug).toBe(true);
    expect(text).toMatch(/^TypeError: inner\n {4}at /);
    expect(text).toMatch(/\nCaused by: Error: \\u001b\[2J\n/);
    expect(text).toMatch(/\nThis is a bug in activation-auditor\./);
    expect(explain('thrown').text).toMatch(/^thrown\nThis is a bug/);
  });

  it('makes sentences of what commander says', () => {
    const unknown = "error: unknown option '--tokenz'\n(Did you mean --tokens?)";
    expect(explain(new CommanderError(1, 'commander.unknownOption', unknown))).toEqual({
      text: 'Unknown option `--tokenz`. Did you mean --tokens?',
      exitCode: 2,
    });
    expect(explain(new CommanderError(1, 'commander.unknownOption', "error: unknown option '-q'")).text).toBe(
      'Unknown option `-q`. See `audit --help`.',
    );
    expect(explain(new CommanderError(0, 'commander.help', '(outputHelp)'))).toEqual({
      text: null,
      exitCode: 0,
    });
  });
});
