import { describe, expect, it } from 'vitest';
import { limitsOf } from '../../../../src/exporter/http/pages/limits.js';

describe('the limits of a gate', () => {
  it.each([
    ['mlp_post.dead_ratio > 0.05', [{ name: 'limit', ratio: 0.05 }]],
    ['*.mlp_post.dead_ratio > 0.1', [{ name: 'limit of each layer', ratio: 0.1 }]],
    ['max(*.mlp_post.dead_ratio) >= 0.1', [{ name: 'limit of each layer', ratio: 0.1 }]],
    ['5.mlp_post.dead_ratio > 0.2', [{ name: 'limit of 5.mlp_post', ratio: 0.2 }]],
    ['attn_out.dead_ratio > 0.2', []],
    ['mlp_post.silent > 5', []],
    ['mlp_post.dead_ratio < 0.5', []],
    ['*.dead_ratio - baseline > 0', []],
  ])('%s', (rule, limits) => {
    expect(limitsOf([{ rule, passed: true }])).toEqual(limits);
  });
});
