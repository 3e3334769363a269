import { describe, expect, it } from 'vitest';
import type { Model } from '../../../../src/graph/model.js';
import { contribution } from '../../../../src/repair/prune/edit/contribution.js';
import { buildGraphModel, type ModelSpec, tensor } from '../../../build.js';
import { nodeNamed } from '../../../graph/build-graph.js';

describe('contribution', () => {
  const [ins, outs] = [5, 3];
  const at = (i: number, o: number) => i * 2 - o * 3 + ((i * o) % 4);
  const matrix = Array.from({ length: ins * outs }, (_, k) => at(Math.floor(k / outs), k % outs));
  const turned = Array.from({ length: ins * outs }, (_, k) => at(k % ins, Math.floor(k / ins)));
  const constants = new Map([
    [1, 2],
    [4, -0.5],
  ]);
  const expected = Array.from({ length: outs }, (_, o) => 2 * at(1, o) - 0.5 * at(4, o));

  const endOf = (model: Model) => nodeNamed(model.graph, 'end');
  const build = (initializers: ModelSpec['initializers'], nodes: ModelSpec['nodes']) =>
    buildGraphModel({
      inputs: { x: ['float32', [1, ins]] },
      initializers: initializers!,
      nodes,
      outputs: ['y'],
    });

  it.each<[string, ModelSpec['initializers'], ModelSpec['nodes']]>([
    ['[in, out]', { w: ['float32', [ins, outs], matrix] }, []],
    [
      'a Transpose of [out, in]',
      { v: ['float32', [outs, ins], turned] },
      [['Transpose', ['v'], ['w'], { perm: [1, 0] }]],
    ],
    [
      'int8 with a scale and zero point for each output',
      {
        q: [
          'int8',
          [ins, outs],
          matrix.map((value, k) => value / [1, 0.5, 0.25][k % outs]! + [0, 3, -2][k % outs]!),
        ],
        s: ['float32', [outs], [1, 0.5, 0.25]],
        z: ['int8', [outs], [0, 3, -2]],
      },
      [['DequantizeLinear', ['q', 's', 'z'], ['w'], { axis: 1 }]],
    ],
    [
      'half precision behind a Cast',
      { h: ['float16', [ins, outs], matrix] },
      [['Cast', ['h'], ['w'], { to: 1 }]],
    ],
  ])('sums the weights of constant inputs stored as %s', (_, initializers, nodes) => {
    const model = build(initializers, [...nodes, ['MatMul', ['x', 'w'], ['y'], {}, { name: 'end' }]]);
    expect([...contribution(endOf(model), constants)!]).toEqual(expected);
  });

  it('multiplies by the alpha of a Gemm, which may have its weight turned', () => {
    const gemm = { transB: 1, alpha: { f: 2 } };
    const model = build({ w: ['float32', [outs, ins], turned] }, [
      ['Gemm', ['x', 'w'], ['y'], gemm, { name: 'end' }],
    ]);
    expect([...contribution(endOf(model), constants)!]).toEqual(expected.map((sum) => 2 * sum));
  });

  it('is not known for a batch of matrices, one for each expert', () => {
    const model = build({ w: ['float32', [2, ins, outs], 1] }, [
      ['MatMul', ['x', 'w'], ['y'], {}, { name: 'end' }],
    ]);
    expect(contribution(endOf(model), constants)).toBeNull();
  });

  it('sums over the kernel of a convolution', () => {
    const kernel = tensor('float32', [2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const model = build({ w: kernel }, [['Conv', ['x', 'w'], ['y'], {}, { name: 'end' }]]);
    expect([...contribution(endOf(model), new Map([[1, 10]]))!]).toEqual([70, 150]);
  });

  it('says so when the weights are computed', () => {
    const model = build({ w0: ['float32', [ins, outs], matrix] }, [
      ['Tanh', ['w0'], ['w']],
      ['MatMul', ['x', 'w'], ['y'], {}, { name: 'end' }],
    ]);
    expect(contribution(endOf(model), constants)).toBeNull();
  });
});
