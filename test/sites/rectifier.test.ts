import { describe, expect, it } from 'vitest';
import { findSites } from '../../src/sites/find.js';
import { rectifierNetwork } from '../../src/sites/rectifier.js';
import { buildGraphModel, type ModelSpec } from '../build.js';

const dense = (name: string) => ({ [`w${name}`]: ['float32', [4, 4], 1], [`b${name}`]: ['float32', [4], 1] });

/** x → Gemm → f → Gemm → g → Gemm → y. */
function mlp(more: Partial<ModelSpec> = {}, f = 'Relu', g = 'Relu'): ModelSpec {
  return {
    inputs: { x: ['float32', ['rows', 4]] },
    initializers: { ...dense('0'), ...dense('1'), ...dense('2') } as never,
    nodes: [
      ['Gemm', ['x', 'w0', 'b0'], ['pre0']],
      [f, ['pre0'], ['post0']],
      ['Gemm', ['post0', 'w1', 'b1'], ['pre1']],
      [g, ['pre1'], ['post1']],
      ['Gemm', ['post1', 'w2', 'b2'], ['y']],
    ],
    outputs: ['y'],
    ...more,
  };
}

function of(spec: ModelSpec) {
  const { graph } = buildGraphModel(spec);
  return rectifierNetwork(graph, findSites(graph));
}

describe('a rectifier network', () => {
  it('is an MLP with ReLU after every layer but the last; its data points are positions', () => {
    const { network } = of(mlp());
    expect(network?.points).toBe('positions');
    expect(network?.layers.map(({ pre, post }) => [pre.value.name, post.value.name])).toEqual([
      ['pre0', 'post0'],
      ['pre1', 'post1'],
    ]);
  });

  it('may end in an activation function of the output', () => {
    const nodes = [
      ...mlp().nodes.slice(0, 4),
      ['Gemm', ['post1', 'w2', 'b2'], ['logit']] as never,
      ['Sigmoid', ['logit'], ['y']] as never,
    ];
    expect(of(mlp({ nodes })).network?.layers).toHaveLength(2);
  });

  it('is a convolutional network, whose data points are records', () => {
    const { network } = of({
      inputs: { x: ['float32', ['n', 1, 4, 4]] },
      initializers: {
        k: ['float32', [2, 1, 3, 3], 1],
        shape: ['int64', [2], [0, -1]],
        w: ['float32', [8, 3], 1],
        v: ['float32', [3, 2], 1],
      },
      nodes: [
        ['Conv', ['x', 'k'], ['c']],
        ['Relu', ['c'], ['p']],
        ['Reshape', ['p', 'shape'], ['flat']],
        ['Gemm', ['flat', 'w'], ['h']],
        ['Relu', ['h'], ['r']],
        ['Gemm', ['r', 'v'], ['y']],
      ],
      outputs: ['y'],
    });
    expect(network?.points).toBe('records');
    expect(network?.layers).toHaveLength(2);
  });

  it.each<[string, ModelSpec, RegExp]>([
    ['another activation function', mlp({}, 'Relu', 'Tanh'), /^$/],
    ['another one before a rectifier', mlp({}, 'Tanh', 'Relu'), /0\.mlp_post is tanh, no rectifier/],
    ['no rectifier at all', mlp({}, 'Tanh', 'Tanh'), /no ReLU/],
    [
      'a skip connection between layers',
      mlp({
        nodes: [
          ['Gemm', ['x', 'w0', 'b0'], ['pre0']],
          ['Relu', ['pre0'], ['post0']],
          ['Gemm', ['post0', 'w1', 'b1'], ['m']],
          ['Gemm', ['x', 'w2', 'b2'], ['s']],
          ['Add', ['m', 's'], ['pre1']],
          ['Relu', ['pre1'], ['post1']],
          ['Gemm', ['post1', 'w2', 'b2'], ['y']],
        ],
      }),
      /0\.mlp_pre\.act2 does not only see 0\.mlp_post\.act1/,
    ],
    [
      'a skip connection to the output',
      mlp({ nodes: [...mlp().nodes.slice(0, 4), ['Concat', ['post1', 'post0'], ['y'], { axis: 1 }]] }),
      /.*/,
    ],
    [
      'a second output that leaves out a layer',
      mlp({
        nodes: [...mlp().nodes, ['Gemm', ['post0', 'w2', 'b2'], ['z']]],
        outputs: ['y', 'z'],
      }),
      /the output z does not only see 1\.mlp_post/,
    ],
  ])('is none with %s', (title, spec, reason) => {
    const { network, reason: found } = of(spec);
    // What comes after the last rectifier is the output's.
    if (title === 'another activation function') expect(network?.layers).toHaveLength(1);
    else {
      expect(network).toBeNull();
      expect(found).toMatch(reason);
    }
  });

  it('may show its inner layers as outputs, and read shapes', () => {
    const nodes = [
      ...mlp().nodes.slice(0, 2),
      ['Shape', ['x'], ['shape']] as never,
      ['Reshape', ['post0', 'shape'], ['same']] as never,
      ['Gemm', ['same', 'w1', 'b1'], ['pre1']] as never,
      ...mlp().nodes.slice(3),
    ];
    expect(of(mlp({ nodes, outputs: ['y', 'post0'] })).reason).toBeNull();
  });
});
