import { describe, expect, it } from 'vitest';
import type { Model } from '../../../../src/graph/model.js';
import { contribution } from '../../../../src/repair/prune/edit/contribution.js';
import type { AxisRemoval, SummingLayer } from '../../../../src/repair/prune/removal/removal.js';
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

  function layerOf(model: Model, inAxis: number, outAxis: number): SummingLayer {
    const node = nodeNamed(model.graph, 'end');
    const removal: AxisRemoval = { axis: -1, width: ins, removed: new Map() };
    return { node, operand: node.inputs[1]!, inAxis, outAxis, removal, biasObstacle: null };
  }
  const build = (initializers: ModelSpec['initializers'], nodes: ModelSpec['nodes']) =>
    buildGraphModel({
      inputs: { x: ['float32', [1, ins]] },
      initializers: initializers!,
      nodes,
      outputs: ['y'],
    });

  it.each<[string, ModelSpec['initializers'], ModelSpec['nodes'], number, number]>([
    ['[in, out]', { w: ['float32', [ins, outs], matrix] }, [], -2, -1],
    ['[out, in]', { w: ['float32', [outs, ins], turned] }, [], -1, -2],
    [
      'a Transpose of [out, in]',
      { v: ['float32', [outs, ins], turned] },
      [['Transpose', ['v'], ['w'], { perm: [1, 0] }]],
      -2,
      -1,
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
      -2,
      -1,
    ],
    [
      'half precision behind a Cast',
      { h: ['float16', [ins, outs], matrix] },
      [['Cast', ['h'], ['w'], { to: 1 }]],
      -2,
      -1,
    ],
  ])('sums the weights of constant inputs stored as %s', (_, initializers, nodes, inAxis, outAxis) => {
    const model = build(initializers, [...nodes, ['MatMul', ['x', 'w'], ['y'], {}, { name: 'end' }]]);
    expect([...contribution(layerOf(model, inAxis, outAxis), constants)!]).toEqual(expected);
  });

  it('sums over the kernel of a convolution', () => {
    const kernel = tensor('float32', [2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const model = build({ w: kernel }, [['Conv', ['x', 'w'], ['y'], {}, { name: 'end' }]]);
    expect([...contribution(layerOf(model, -3, -4), new Map([[1, 10]]))!]).toEqual([70, 150]);
  });

  it('says so when the weights are computed', () => {
    const model = build({ w0: ['float32', [ins, outs], matrix] }, [
      ['Tanh', ['w0'], ['w']],
      ['MatMul', ['x', 'w'], ['y'], {}, { name: 'end' }],
    ]);
    expect(contribution(layerOf(model, -2, -1), constants)).toBeNull();
  });
});
