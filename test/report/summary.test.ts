import { describe, expect, it } from 'vitest';
import { summarize } from '../../src/report/summary.js';
import { reluRows, siteOf } from './fixture.js';

describe('summarize', () => {
  it('adds up neurons by site name, and names the worst', () => {
    const { deadRatio, bySite } = summarize([
      siteOf('0.mlp_post', reluRows(10, 4, 1)),
      siteOf('1.mlp_post', reluRows(10, 8, 5)),
      siteOf('0.attn_out', reluRows(10, 4, 4)),
    ]);
    expect(deadRatio).toBe(0.5);
    expect(bySite).toEqual({
      mlp_post: { neurons: 12, dead: 6, deadRatio: 0.5, worst: { id: '1.mlp_post', deadRatio: 0.625 } },
      attn_out: { neurons: 4, dead: 4, deadRatio: 1, worst: { id: '0.attn_out', deadRatio: 1 } },
    });
  });

  it('knows no ratio where nothing was seen', () => {
    expect(summarize([]).deadRatio).toBeNull();
    const unseen = summarize([siteOf('0.mlp_post', [], { neurons: 4 })]);
    expect(unseen.deadRatio).toBeNull();
    expect(unseen.bySite.mlp_post?.worst).toEqual({ id: '0.mlp_post', deadRatio: null });
  });
});
