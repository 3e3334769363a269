import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.js';
import { selectSites } from '../../src/sites/select.js';
import { matchesSelector, sitesMatching } from '../../src/sites/selector.js';
import type { Site } from '../../src/sites/types.js';

const sites = [
  { id: '0.mlp_post', layer: 0, site: 'mlp_post', part: '' },
  { id: '0.attn_out', layer: 0, site: 'attn_out', part: '' },
  { id: '2.mlp_post.expert0', layer: 2, site: 'mlp_post', part: 'expert0' },
  { id: '2.mlp_post.expert7', layer: 2, site: 'mlp_post', part: 'expert7' },
  { id: 'decoder.2.attn_out.cross', layer: 2, site: 'attn_out', part: 'cross' },
] as Site[];
const ids = (found: { id: string }[]) => found.map(({ id }) => id);

describe('a selector', () => {
  it.each([
    ['mlp_post', ['0.mlp_post', '2.mlp_post.expert0', '2.mlp_post.expert7']],
    ['2.mlp_post', ['2.mlp_post.expert0', '2.mlp_post.expert7']],
    ['2.mlp_post.expert7', ['2.mlp_post.expert7']],
    ['*.mlp_post', ['0.mlp_post', '2.mlp_post.expert0', '2.mlp_post.expert7']],
    ['2.*', ['2.mlp_post.expert0', '2.mlp_post.expert7']],
    ['*.attn_out', ['0.attn_out', 'decoder.2.attn_out.cross']],
    ['decoder.*.cross', ['decoder.2.attn_out.cross']],
    ['expert7', []],
    ['2.attn_out', []],
  ])('%s means %j', (selector, expected) => {
    expect(ids(sitesMatching(sites, selector))).toEqual(expected);
  });

  it('means a site of any name that a report has', () => {
    expect(matchesSelector('output', { id: '3.output', site: 'output', part: '' })).toBe(true);
  });
});

describe('selectSites', () => {
  it('means every expert where none is named, as a rule does', () => {
    expect(ids(selectSites(sites, ['2.mlp_post']))).toEqual(['2.mlp_post.expert0', '2.mlp_post.expert7']);
  });

  it('leaves what any selector means, in any of the layers', () => {
    expect(ids(selectSites(sites, ['mlp_post', '*.cross'], [2]))).toEqual([
      '2.mlp_post.expert0',
      '2.mlp_post.expert7',
      'decoder.2.attn_out.cross',
    ]);
    expect(selectSites(sites)).toEqual(sites);
  });

  it('refuses a selector and a layer that leave nothing', () => {
    expect(() => selectSites(sites, ['mlp_pos'])).toThrow(UserError);
    expect(() => selectSites(sites, ['mlp_pos'])).toThrow(
      '`sites=mlp_pos` matches no site; the model has 0.mlp_post, 0.attn_out, 2.mlp_post.expert0, ' +
        '2.mlp_post.expert7, decoder.2.attn_out.cross. Did you mean `mlp_post`?',
    );
    expect(() => selectSites(sites, [], [1])).toThrow(
      '`layers=1` matches no site; the model has layers 0 to 2.',
    );
  });
});
