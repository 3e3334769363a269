import { describe, expect, it } from 'vitest';
import { modelInputs, modelKind } from '../../src/measure/model-kind.js';
import { storedGraph, takesAdjacency } from '../../src/patterns/stored-graph.js';
import { findSites } from '../../src/sites/find.js';
import { buildGraphModel, type ModelSpec, type NodeSpec, type TensorSpec, type TypeSpec } from '../build.js';

function kindOf(
  inputs: Record<string, TypeSpec>,
  nodes: NodeSpec[],
  initializers: Record<string, TensorSpec>,
) {
  const spec: ModelSpec = { opset: 18, inputs, initializers, nodes, outputs: ['y'] };
  const { graph } = buildGraphModel(spec);
  return modelKind(modelInputs(graph), {
    stored: storedGraph(graph) !== null,
    fed: takesAdjacency(graph),
  });
}

const w: TensorSpec = ['float32', [8, 8], 0.5];
const square: TensorSpec = ['float32', [8, 8], 1];
const layer: NodeSpec[] = [
  ['MatMul', ['mixed', 'w'], ['pre']],
  ['Relu', ['pre'], ['y']],
];
const mixedBy = (left: string): NodeSpec[] => [['MatMul', [left, 'x'], ['mixed']], ...layer];

describe('a model is fed as a graph', () => {
  it('when it stores a square matrix for its rows, or multiplies them with a square input', () => {
    const x: TypeSpec = ['float32', [8, 8]];
    expect(kindOf({ x }, mixedBy('a0'), { w, a0: square })).toBe('graph');
    const hidden: NodeSpec[] = [
      ['MatMul', ['m', 'h'], ['y']],
      ['MatMul', ['x', 'w'], ['h']],
    ];
    const given: Record<string, TypeSpec> = { x: ['float32', ['n', 8]], m: ['float32', ['n', 'n']] };
    expect(kindOf(given, hidden.reverse(), { w })).toBe('graph');
    const edges: Record<string, TypeSpec> = { x: ['float32', ['n', 8]], index: ['int64', [2, 'e']] };
    expect(kindOf(edges, [['Gather', ['x', 'index'], ['y']]], {})).toBe('graph');
  });

  it.each<[string, Record<string, TypeSpec>, NodeSpec[]]>([
    ['images and a colour matrix', { x: ['float32', ['b', 3, 8, 8]] }, mixedBy('a0')],
    ['series of a fixed length and their moving average', { x: ['float32', ['b', 8, 8]] }, mixedBy('a0')],
    [
      'tokens that attend by an average',
      { idx: ['int64', ['b', 8]] },
      [['Gather', ['w', 'idx'], ['x']], ...mixedBy('a0')],
    ],
    [
      'features beside a square mask',
      { x: ['float32', [8, 8]], mask: ['float32', [8, 8]] },
      [['Add', ['x', 'mask'], ['mixed']], ...layer],
    ],
    [
      'two tables of a fixed batch',
      { categories: ['int64', [2, 10]], numeric: ['float32', [2, 8]] },
      [['Gather', ['w', 'categories'], ['rows']], ['Add', ['rows', 'numeric'], ['mixed']], ...layer],
    ],
  ])('but not with %s', (_, inputs, nodes) => {
    expect(kindOf(inputs, nodes, { w, a0: square })).not.toBe('graph');
  });
});

describe('scores of an attention', () => {
  it('are no MLP, and an encoder that only feeds them is one', () => {
    const { graph } = buildGraphModel({
      opset: 18,
      inputs: { x: ['float32', ['n', 8]], adj: ['float32', ['n', 'n']], e: ['float32', ['n', 8]] },
      initializers: { w, v: w, u: w, a: ['float32', [8, 1], 1], zero: 0, low: -1e9 },
      nodes: [
        ['MatMul', ['x', 'w'], ['h']],
        ['MatMul', ['h', 'a'], ['left']],
        ['Transpose', ['left'], ['right'], { perm: [1, 0] }],
        ['Add', ['left', 'right'], ['sum']],
        ['LeakyRelu', ['sum'], ['scores'], { alpha: 0.2 }],
        ['MatMul', ['e', 'v'], ['encoded']],
        ['Relu', ['encoded'], ['code']],
        ['MatMul', ['code', 'u'], ['coded']],
        ['ReduceSum', ['coded'], ['extra'], { keepdims: 1 }],
        ['Add', ['scores', 'extra'], ['both']],
        ['Greater', ['adj', 'zero'], ['near']],
        ['Where', ['near', 'both', 'low'], ['masked']],
        ['Softmax', ['masked'], ['alpha'], { axis: 1 }],
        ['MatMul', ['alpha', 'h'], ['y']],
      ],
      outputs: ['y'],
    });
    expect(findSites(graph).sites.map(({ id, value }) => `${id} ${value.name}`)).toEqual([
      '0.attn_out y',
      '0.mlp_pre encoded',
      '0.mlp_post code',
    ]);
  });
});
