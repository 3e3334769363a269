import { describe, expect, it } from 'vitest';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { graphNeeds } from '../../src/patterns/graph-needs.js';
import { findHazards } from '../../src/patterns/hazards.js';
import { findSites } from '../../src/sites/find.js';
import { buildGraphModel, type ModelSpec, type NodeSpec } from '../build.js';

const F = 4;
const weights = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `w${i}`,
      ['float32', [F, F], 0.5] as [string, number[], number],
    ]),
  );

function dense(nodes: NodeSpec[], more: Partial<ModelSpec> = {}) {
  return buildGraphModel({
    opset: 18,
    inputs: { x: ['float32', ['n', F]], adj: ['float32', ['n', 'n']] },
    initializers: {
      ...weights(3),
      axes: ['int64', [1], [1]],
      half: ['float32', [], -0.5],
      eps: ['float32', [], 1.1],
    },
    nodes,
    outputs: ['y'],
    ...more,
  }).graph;
}

describe('what a model does to its structure itself', () => {
  it('is nothing where an adjacency is only multiplied with', () => {
    const graph = dense([
      ['MatMul', ['x', 'w0'], ['h']],
      ['MatMul', ['adj', 'h'], ['a']],
      ['Relu', ['a'], ['r']],
      ['MatMul', ['r', 'w1'], ['h2']],
      ['MatMul', ['adj', 'h2'], ['y']],
    ]);
    expect(graphNeeds(graph)).toEqual({ selfLoops: true, normalised: true });
  });

  it('is the normalisation where it sums the adjacency', () => {
    const graph = dense([
      ['ReduceSum', ['adj', 'axes'], ['degree']],
      ['Pow', ['degree', 'half'], ['scale']],
      ['Mul', ['adj', 'scale'], ['left']],
      ['MatMul', ['x', 'w0'], ['h']],
      ['MatMul', ['left', 'h'], ['y']],
    ]);
    expect(graphNeeds(graph)).toEqual({ selfLoops: true, normalised: false });
  });

  it('are the self loops where it sets a diagonal', () => {
    const graph = dense([
      ['EyeLike', ['adj'], ['eye']],
      ['Add', ['adj', 'eye'], ['loops']],
      ['MatMul', ['x', 'w0'], ['h']],
      ['MatMul', ['loops', 'h'], ['y']],
    ]);
    expect(graphNeeds(graph)).toEqual({ selfLoops: false, normalised: true });
  });

  it('are both where every layer has a term for the node itself, as GIN has', () => {
    const graph = dense([
      ['MatMul', ['adj', 'x'], ['a']],
      ['Mul', ['x', 'eps'], ['own']],
      ['Add', ['a', 'own'], ['s']],
      ['MatMul', ['s', 'w0'], ['y']],
    ]);
    expect(graphNeeds(graph)).toEqual({ selfLoops: false, normalised: false });
  });

  it('are both where every layer has a term for the node itself, as GraphConv has', () => {
    const graph = dense([
      ['MatMul', ['adj', 'x'], ['a']],
      ['MatMul', ['a', 'w0'], ['l']],
      ['MatMul', ['x', 'w1'], ['own']],
      ['Add', ['l', 'own'], ['y']],
    ]);
    expect(graphNeeds(graph)).toEqual({ selfLoops: false, normalised: false });
  });

  it('is nothing where a deep network adds its first layer again, as GCNII does', () => {
    const graph = dense([
      ['MatMul', ['x', 'w0'], ['h0']],
      ['Relu', ['h0'], ['r0']],
      ['MatMul', ['adj', 'r0'], ['a1']],
      ['Add', ['a1', 'r0'], ['s1']],
      ['MatMul', ['s1', 'w1'], ['h1']],
      ['Relu', ['h1'], ['r1']],
      ['MatMul', ['adj', 'r1'], ['a2']],
      ['Add', ['a2', 'r0'], ['s2']],
      ['MatMul', ['s2', 'w2'], ['y']],
    ]);
    expect(graphNeeds(graph)).toEqual({ selfLoops: true, normalised: true });
  });

  it('is told for exports of PyTorch Geometric', async () => {
    const needs = async (name: string) => {
      const { copy } = await openAuditedFile({ model: `models/zoo/files/${name}.onnx` });
      return graphNeeds(copy().model.graph);
    };
    const none = { selfLoops: false, normalised: false };
    for (const name of ['gcn-ts17', 'gcn-dynamo18', 'gcn-dense-ts17', 'gcn-dense-dynamo18']) {
      expect(await needs(name), name).toEqual(none);
    }
    for (const name of ['gcn-mm-ts17', 'gcn-mm-dynamo18']) {
      expect(await needs(name), name).toEqual({ selfLoops: true, normalised: true });
    }
  });
});

describe('graph convolutions', () => {
  it('are found where edges become a dense adjacency inside the model', () => {
    const graph = buildGraphModel({
      opset: 18,
      inputs: { x: ['float32', ['n', F]], edge_index: ['int64', [2, 'e']] },
      initializers: {
        ...weights(2),
        one: ['float32', [], 1],
        b: ['float32', [F], 0.1],
        zero: ['int64', [], 0],
        one_: ['int64', [1], [0]],
        two: ['int64', [1], [1]],
      },
      nodes: [
        ['Shape', ['x'], ['shape'], { end: 1 }],
        ['Concat', ['shape', 'shape'], ['square'], { axis: 0 }],
        ['ConstantOfShape', ['square'], ['empty']],
        ['Transpose', ['edge_index'], ['pairs'], { perm: [1, 0] }],
        ['Shape', ['edge_index'], ['count'], { start: 1 }],
        ['Expand', ['one', 'count'], ['ones']],
        ['ScatterND', ['empty', 'pairs', 'ones'], ['adj']],
        ['MatMul', ['x', 'w0'], ['h']],
        ['MatMul', ['adj', 'h'], ['a']],
        ['Add', ['a', 'b'], ['pre']],
        ['Relu', ['pre'], ['post']],
        ['MatMul', ['post', 'w1'], ['y']],
      ],
      outputs: ['y'],
    }).graph;
    const { sites } = findSites(graph);
    expect(sites.map(({ id }) => id)).toEqual(['0.mlp_pre', '0.mlp_post']);
    expect(sites[1]!.weights.map(({ role, initializer }) => `${role} ${initializer}`)).toEqual([
      'in w0',
      'out w1',
    ]);
    expect(findHazards(graph)).toEqual([]);
  });

  it('are found with an adjacency that is stored in the model', () => {
    const graph = buildGraphModel({
      inputs: { x: ['float32', [3, F]] },
      initializers: { ...weights(2), adj: ['float32', [3, 3], 1] },
      nodes: [
        ['MatMul', ['x', 'w0'], ['h']],
        ['MatMul', ['adj', 'h'], ['pre']],
        ['Relu', ['pre'], ['post']],
        ['MatMul', ['post', 'w1'], ['y']],
      ],
      outputs: ['y'],
    }).graph;
    const { sites } = findSites(graph);
    expect(sites.map(({ id, neurons }) => [id, neurons])).toEqual([
      ['0.mlp_pre', F],
      ['0.mlp_post', F],
    ]);
  });

  it('run on one thread where a ScatterND adds, which races', () => {
    const graph = (opType: string) =>
      buildGraphModel({
        opset: 18,
        inputs: { x: ['float32', ['n', F]], i: ['int64', ['e', 1]], u: ['float32', ['e', F]] },
        nodes: [[opType, ['x', 'i', 'u'], ['y'], { reduction: 'add' }]],
        outputs: ['y'],
      }).graph;
    expect(findHazards(graph('ScatterND'))).toMatchObject([{ code: 'scatter-race', singleThread: true }]);
    expect(findHazards(graph('ScatterElements'))).toEqual([]);
  });
});

describe('graph attention', () => {
  it('is read at its aggregated output', async () => {
    const { copy } = await openAuditedFile({ model: 'models/zoo/files/gat-ts17.onnx' });
    const ids = [
      '0.attn_out',
      '0.mlp_pre',
      '0.mlp_post',
      '1.attn_out',
      '1.mlp_pre',
      '1.mlp_post',
      '2.attn_out',
    ];
    expect(copy().sites.map(({ id }) => id)).toEqual(ids);
  });
});
