import { describe, expect, it } from 'vitest';
import { wrap } from '../../src/cli/help.js';
import { progressText, wantsColor } from '../../src/cli/terminal.js';

const terminal = { isTTY: true };
const pipe = {};

describe('colours', () => {
  it.each<[string, object, boolean | undefined, Record<string, string>, boolean]>([
    ['a terminal', terminal, undefined, {}, true],
    ['a pipe', pipe, undefined, {}, false],
    ['a terminal that cannot', terminal, undefined, { TERM: 'dumb' }, false],
    ['a terminal with --no-color', terminal, false, { FORCE_COLOR: '1' }, false],
    ['a terminal with NO_COLOR', terminal, undefined, { NO_COLOR: '1' }, false],
    ['a terminal with an empty NO_COLOR', terminal, undefined, { NO_COLOR: '' }, true],
    ['a pipe with FORCE_COLOR', pipe, undefined, { FORCE_COLOR: '1' }, true],
    ['a terminal with FORCE_COLOR=0', terminal, undefined, { FORCE_COLOR: '0' }, false],
  ])('of %s', (_, stream, option, env, expected) => {
    expect(wantsColor(stream, option, env)).toBe(expected);
  });
});

describe('progressText', () => {
  const half = { positions: 32_768, total: 65_536, elapsedSeconds: 8 };

  it('gives positions, speed and time left', () => {
    expect(progressText(half, 120)).toBe('32,768 of 65,536 positions, 4,096/s, 8 s left');
  });

  it('leaves out what a narrow terminal has no room for', () => {
    expect(progressText(half, 60)).toBe('4,096/s, 8 s left');
    expect(progressText(half, 34)).toBe('');
  });

  it('knows no end of what has none', () => {
    expect(progressText({ ...half, total: null }, 80)).toBe('32,768 positions, 4,096/s');
    expect(progressText({ positions: 0, total: 10, elapsedSeconds: 0 }, 120)).toBe('0 of 10 positions, 0/s');
  });
});

describe('wrap', () => {
  it('breaks at blanks and leaves a long word whole', () => {
    expect(wrap('one two three-and-a-half four', 9)).toEqual(['one two', 'three-and-a-half', 'four']);
  });
});
