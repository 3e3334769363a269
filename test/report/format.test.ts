import { describe, expect, it } from 'vitest';
import { duration, elide, percent, printable, quantity, significant } from '../../src/report/format.js';
import { wrap } from '../../src/report/text.js';

describe('format', () => {
  it('percent shows three digits, and less than all never as all', () => {
    expect([0, 1, 0.5, 0.12345, 0.0000461, 1e-9].map(percent)).toEqual([
      '0%',
      '100%',
      '50%',
      '12.3%',
      '0.00461%',
      '0.0000001%',
    ]);
    expect([0.99996, 0.9999999, 0.9989, null].map(percent)).toEqual(['99.9%', '99.9%', '99.9%', '–']);
  });

  it('significant has no exponent and no trailing zeros', () => {
    expect([1234.5, 0.1, 10, -0.00012345, 1e-12].map(significant)).toEqual([
      '1235',
      '0.1',
      '10',
      '-0.000123',
      '0.000000000001',
    ]);
  });

  it('quantity and duration read as people say them', () => {
    expect([950, 30_400, 124_439_808, 6.7e9].map(quantity)).toEqual(['950', '30.4 k', '124 M', '6.7 G']);
    expect([0.256, 59.94, 59.99, 60, 192, 3599.9, 3720].map(duration)).toEqual([
      '0.256 s',
      '59.9 s',
      '1 min 0 s',
      '1 min 0 s',
      '3 min 12 s',
      '1 h 00 min',
      '1 h 02 min',
    ]);
  });

  it('elide keeps both ends', () => {
    expect(['abcdefgh', 'abcdefghi', '😀😀😀😀😀'].map((text) => elide(text, 4))).toEqual([
      'ab…h',
      'ab…i',
      '😀😀…😀',
    ]);
    expect([elide('abc', 3), elide('abc', 1), elide('abc', 0)]).toEqual(['abc', '…', '']);
  });

  it('printable shows control characters instead of obeying them', () => {
    expect(printable('a\u001b[2Jb\n\u202e')).toBe('a\\u001b[2Jb\\n\\u202e');
  });

  it('wrap keeps to the width, cuts long words, and leaves a number its %', () => {
    expect(wrap('one two three', 7, ' ')).toEqual(['one two', ' three']);
    expect(wrap('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
    expect(wrap('at most 12.5% of', 12)).toEqual(['at most', '12.5% of']);
    expect(wrap('', 10)).toEqual(['']);
  });
});
