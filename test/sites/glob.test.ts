import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchGlob } from '../../src/sites/glob.js';

describe('matchGlob', () => {
  it.each([
    ['5.mlp_post', '5.mlp_post', []],
    ['5.mlp_post', '5.mlp_pre', null],
    ['*', '', ['']],
    ['*', 'any.thing', ['any.thing']],
    ['*.mlp_post', '5.mlp_post', ['5']],
    ['*.mlp_post', 'mlp_post', null],
    ['gelu*', 'gelu', ['']],
    ['gelu*', 'gelu_1', ['_1']],
    ['/h.*/act/*', '/h.3/act/Mul_3', ['3', 'Mul_3']],
    ['a*b*c', 'abbc', ['b', '']],
    ['a*a', 'a', null],
    ['aa*aa', 'aaa', null],
    ['**.x', 'y.x', ['y']],
    ['a.c', 'abc', null],
    ['(a*', '(ab', ['b']],
  ])('%s on %s finds %j', (glob, text, stars) => {
    expect(matchGlob(glob, text)).toEqual(stars);
  });

  it('finds what a regular expression finds, for every glob without neighbouring stars', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 3 });
    const glob = fc.record({ pieces: fc.array(piece, { minLength: 1, maxLength: 4 }), ends: fc.nat(3) });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 });
    fc.assert(
      fc.property(glob, text, ({ pieces, ends }, text) => {
        const pattern = `${ends & 1 ? '*' : ''}${pieces.join('*')}${ends & 2 ? '*' : ''}`;
        const literal = pattern.split('*').map((part) => part.replaceAll('.', '\\.'));
        const expected = new RegExp(`^${literal.join('(.*)')}$`).exec(text);
        expect(matchGlob(pattern, text)).toEqual(expected && [...expected].slice(1));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes no longer for sixty stars than for one', () => {
    const long = `${'a'.repeat(20_000)}b`;
    const started = performance.now();
    expect(matchGlob(`${'*a'.repeat(60)}*c`, long)).toBeNull();
    expect(matchGlob(`${'*'.repeat(60)}c`, long)).toBeNull();
    expect(matchGlob(`${'a*'.repeat(60)}c`, long)).toBeNull();
    expect(matchGlob(`*${'a*'.repeat(60)}b`, long)).toHaveLength(61);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
