import { describe, expect, it } from 'vitest';
import { mapByHand } from '../../src/sites/by-hand.js';
import { buildGraphModel, type NodeSpec } from '../build.js';

/** A chain of `gelu`, `gelu_1`, `gelu_2`, as torch.fx names them, and `/h.3/act`, as modules are named. */
const { graph } = buildGraphModel({
  inputs: { x: ['float32', ['b', 8]] },
  nodes: [
    ['Tanh', ['x'], ['gelu']],
    ['Tanh', ['gelu'], ['gelu_1']],
    ['Tanh', ['gelu_1'], ['gelu_2']],
    ['Tanh', ['gelu_2'], ['/h.3/act']],
    ['Tanh', ['/h.3/act'], ['y']],
  ] satisfies NodeSpec[],
  outputs: ['y'],
});
const mapped = (map: Record<string, string>) =>
  mapByHand(graph, [], map).map(({ id, value }) => `${id} ${value.name}`);

describe('mapByHand', () => {
  it('names a tensor', () => {
    expect(mapped({ 'decoder.7.mlp_post.expert1': 'gelu_1' })).toEqual(['decoder.7.mlp_post.expert1 gelu_1']);
  });

  it('puts the text of the star into the id', () => {
    expect(mapped({ '*.mlp_post': '/h.*/act' })).toEqual(['3.mlp_post /h.3/act']);
    expect(mapped({ '*.mlp_post': 'gelu_*' })).toEqual(['1.mlp_post gelu_1', '2.mlp_post gelu_2']);
  });

  it('numbers tensors in the order of execution where the texts make no ids', () => {
    expect(mapped({ '*.mlp_post': 'gelu*' })).toEqual([
      '0.mlp_post gelu',
      '1.mlp_post gelu_1',
      '2.mlp_post gelu_2',
    ]);
  });

  it.each([
    [
      { '0.mlp_post': 'gelu*' },
      /^`map=0\.mlp_post=gelu\*` matches 3 tensors \(gelu, gelu_1, …\): put a `\*`/,
    ],
    [{ '0.mlp_post': 'gelo' }, /^`map=0\.mlp_post=gelo` names no tensor of the graph\./],
    [{ '0.mlp': 'gelu' }, /^Expected the id in `map` to be .*, got `0\.mlp`\.$/],
    [{ '*.mlp': 'gelu*' }, /^Expected the id in `map` to be .*, got `0\.mlp`\.$/],
  ])('refuses %j', (map, message) => {
    expect(() => mapped(map as Record<string, string>)).toThrow(message);
  });
});
