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

describe('a transposition before an activation function', () => {
  const turn = (from: string, to: string): NodeSpec => ['Transpose', [from], [to], { perm: [0, 2, 1] }];

  it('is a miss, for the neurons are on another axis then', () => {
    const { sites, misses } = sitesOf([turn('a', 'z')]);
    expect(sites).toEqual([]);
    expect(misses[0]!.reason).toMatch(/the neurons are on another axis/);
  });

  it('is none where it is undone', () => {
    expect(sitesOf([turn('a', 'b'), turn('b', 'z')]).sites).toEqual(found);
    expect(sitesOf([['Transpose', ['a'], ['z'], { perm: [1, 0, 2] }]]).sites).toEqual(found);
  });

  it('counts for channels, too', () => {
    const convolved = (perm: number[]) => {
      const { graph } = buildGraphModel({
        opset: 17,
        inputs: { x: ['float32', ['b', 3, 8, 8]] },
        initializers: { w: ['float32', [N, 3, 1, 1], 0.5], v: ['float32', [N, 2], 0.5] },
        nodes: [
          ['Conv', ['x', 'w'], ['a']],
          ['Transpose', ['a'], ['z'], { perm }],
          ['Relu', ['z'], ['post']],
          ['MatMul', ['post', 'v'], ['y']],
        ],
        outputs: ['y'],
      });
      return findSites(graph).sites.map(({ id, axis }) => `${id} ${axis}`);
    };
    expect(convolved([0, 2, 3, 1])).toEqual([]);
    expect(convolved([0, 1, 3, 2])).toEqual(['0.mlp_pre 1', '0.mlp_post 1']);
  });
});
