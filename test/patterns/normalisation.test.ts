import { describe, expect, it } from 'vitest';
import { findSites } from '../../src/sites/find.js';
import { buildGraphModel, type NodeSpec, type TensorSpec } from '../build.js';

const N = 6;

/** Linear, what `between` does to [b, t, 6] from `a` to `z`, ReLU, Linear. */
function sitesOf(between: NodeSpec[], more: Record<string, TensorSpec> = {}) {
  const { graph } = buildGraphModel({
    opset: 17,
    inputs: { x: ['float32', ['b', 't', 4]] },
    initializers: {
      w: ['float32', [4, N], 0.5],
      v: ['float32', [N, 3], 0.5],
      scale: ['float32', [N], 1],
      shift: ['float32', [N], 0.1],
      eps: ['float32', [], 1e-5],
      two: ['float32', [], 2],
      ...more,
    },
    nodes: [
      ['MatMul', ['x', 'w'], ['a']],
      ...between,
      ['Relu', ['z'], ['post']],
      ['MatMul', ['post', 'v'], ['y']],
    ],
    outputs: ['y'],
  });
  const { sites, misses } = findSites(graph);
  return { sites: sites.map(({ id, neurons }) => `${id} ${neurons}`), weights: sites[0]?.weights, misses };
}

const found = ['0.mlp_pre 6', '0.mlp_post 6'];

describe('a normalisation before an activation function', () => {
  it('is seen through, and its shift is no bias of the layer', () => {
    const { sites, weights } = sitesOf([['LayerNormalization', ['a', 'scale', 'shift'], ['z']]]);
    expect(sites).toEqual(found);
    expect(weights!.map(({ initializer, bias }) => [initializer, bias])).toEqual([['w', null]]);
  });

  it('is seen through where it is written out', () => {
    const { sites } = sitesOf([
      ['ReduceMean', ['a'], ['mean'], { axes: [-1] }],
      ['Sub', ['a', 'mean'], ['centred']],
      ['Pow', ['centred', 'two'], ['squared']],
      ['ReduceMean', ['squared'], ['variance'], { axes: [-1] }],
      ['Add', ['variance', 'eps'], ['more']],
      ['Sqrt', ['more'], ['deviation']],
      ['Div', ['centred', 'deviation'], ['unit']],
      ['Mul', ['unit', 'scale'], ['scaled']],
      ['Add', ['scaled', 'shift'], ['z']],
    ]);
    expect(sites).toEqual(found);
  });

  it.each<[string, NodeSpec[], Record<string, TensorSpec>]>([
    [
      'behind a transposition',
      [
        ['Transpose', ['a'], ['turned'], { perm: [0, 2, 1] }],
        ['LayerNormalization', ['turned', 'scale'], ['normal']],
        ['Transpose', ['normal'], ['z'], { perm: [0, 2, 1] }],
      ],
      {},
    ],
    ['of channels behind a linear layer', [['InstanceNormalization', ['a', 'scale', 'shift'], ['z']]], {}],
    [
      'of a part of the neurons',
      [
        ['Reshape', ['a', 'heads'], ['split']],
        ['LayerNormalization', ['split', 'half'], ['z']],
      ],
      { heads: ['int64', [4], [0, 0, 2, 3]], half: ['float32', [3], 1] },
    ],
  ])('is a miss %s', (_, between, more) => {
    const { sites, misses } = sitesOf(between, more);
    expect(sites).toEqual([]);
    expect(misses.map(({ reason }) => reason).join()).toMatch(
      /a normalisation lies between, over other axes/,
    );
  });
});
