import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.js';
import { fromOnnx } from '../../src/graph/from-onnx.js';
import { toOnnx } from '../../src/graph/to-onnx.js';
import { buildGraphModel, buildModel, type ModelSpec, tensor } from '../build.js';
import { nodeNamed, valueNamed } from './build-graph.js';

const branches: ModelSpec = {
  inputs: { c: ['bool', []], x: ['float32', ['b', 3]] },
  initializers: { w: ['float32', [3, 3], 1] },
  nodes: [
    ['MatMul', ['x', 'w'], ['h'], {}, { name: 'mm' }],
    [
      'If',
      ['c'],
      ['y'],
      {
        then_branch: {
          name: 'then',
          nodes: [
            ['Add', ['h', 'w'], ['t'], {}, { name: 'add' }],
            ['Relu', ['t'], ['out']],
          ],
          outputs: ['out'],
        },
        else_branch: { name: 'else', nodes: [['Neg', ['h'], ['out']]], outputs: ['out'] },
      },
      { name: 'choose' },
    ],
  ],
  outputs: { y: ['float32', ['b', 3]] },
  valueInfo: { h: ['float32', ['b', 3]] },
};

describe('fromOnnx', () => {
  it('connects values to their producers and readers, those in nested graphs too', () => {
    const { graph } = buildGraphModel(branches);
    const h = valueNamed(graph, 'h');
    expect(h.producer?.name).toBe('mm');
    expect(h.uses.map(({ node, index }) => [node.opType, index])).toEqual([
      ['Add', 0],
      ['Neg', 0],
    ]);
    const [then, otherwise] = nodeNamed(graph, 'choose').subgraphs;
    expect(then?.owner?.name).toBe('choose');
    expect(then?.outputs[0]).not.toBe(otherwise?.outputs[0]);
    expect([then?.outputs[0]?.name, otherwise?.outputs[0]?.name]).toEqual(['out', 'out']);
    expect(valueNamed(graph, 'w').tensor?.dims).toEqual([3n, 3n]);
  });

  it('attaches declared types, and an initializer’s own', () => {
    const { graph } = buildGraphModel(branches);
    for (const name of ['x', 'h', 'y']) {
      expect(valueNamed(graph, name).type).toEqual({ elemType: 1, shape: ['b', 3] });
    }
    expect(valueNamed(graph, 'w').type).toEqual({ elemType: 1, shape: [3, 3] });
    expect(valueNamed(graph, 't').type).toBeNull();
  });

  it('reads a negative size as unknown, and writes it back as it was', () => {
    const model = buildGraphModel({ inputs: { x: ['float32', [-1, 3]] }, nodes: [], outputs: [] });
    expect(model.graph.inputs[0]?.type?.shape).toEqual([null, 3]);
    expect(toOnnx(model).graph?.input[0]?.type?.tensorType?.shape?.dim[0]?.dimValue).toBe(-1n);
  });

  it('reads inputs and outputs that were left out as null', () => {
    const { graph } = buildGraphModel({
      inputs: { x: ['float32', [2]] },
      initializers: { max: 6 },
      nodes: [
        ['Clip', ['x', '', 'max'], ['a']],
        ['Dropout', ['a'], ['y', '']],
      ],
      outputs: ['y'],
    });
    const [clip, dropout] = [...graph.nodes];
    expect(clip?.inputs.map((value) => value?.name ?? null)).toEqual(['x', null, 'max']);
    expect(dropout?.outputs[1]).toBeNull();
  });

  it('makes an initializer that is also an input one value', () => {
    const { graph } = buildGraphModel({
      inputs: { x: ['float32', [2]], w: ['float32', [2]] },
      initializers: { w: ['float32', [2], 1] },
      nodes: [['Add', ['x', 'w'], ['y']]],
      outputs: ['y'],
    });
    expect(graph.inputs[1]).toBe(graph.initializers[0]);
    expect(graph.inputs[1]?.isInput).toBe(true);
    expect(graph.inputs[1]?.tensor).not.toBeNull();
  });

  it('reads a sparse initializer as a value without a dense tensor', () => {
    const proto = buildModel({ nodes: [['Identity', ['s'], ['y']]], outputs: ['y'] });
    proto.graph!.sparseInitializer = [
      {
        values: tensor('float32', [1], 5, 's'),
        indices: tensor('int64', [1], 2),
        dims: [2n, 2n],
        unknown: [],
      },
    ];
    const { graph } = fromOnnx(proto);
    const value = [...graph.nodes][0]!.inputs[0]!;
    expect(value).toMatchObject({
      name: 's',
      tensor: null,
      producer: null,
      type: { elemType: 1, shape: [2, 2] },
    });
  });

  it('reads the domain ai.onnx as the standard one', () => {
    const model = buildGraphModel({
      inputs: { x: ['float32', [2]] },
      nodes: [['Relu', ['x'], ['y'], {}, { domain: 'ai.onnx' }]],
      outputs: ['y'],
    });
    expect([...model.graph.nodes][0]!.is('Relu')).toBe(true);
    const proto = buildModel({ nodes: [], outputs: [], opsets: { 'com.microsoft': 1 } });
    proto.opsetImport[0]!.domain = 'ai.onnx';
    expect(fromOnnx(proto).opsets).toEqual(
      new Map([
        ['', 17],
        ['com.microsoft', 1],
      ]),
    );
  });

  it('accepts nodes in any order', () => {
    const { graph } = buildGraphModel({
      inputs: { x: ['float32', [2]] },
      nodes: [
        ['Neg', ['r'], ['y']],
        ['Relu', ['x'], ['r']],
      ],
      outputs: ['y'],
    });
    expect(valueNamed(graph, 'y').producer?.input?.producer?.opType).toBe('Relu');
  });

  const x = { x: ['float32', [2]] } as ModelSpec['inputs'] & object;
  const relu = (input: string, output: string): ModelSpec['nodes'][number] => ['Relu', [input], [output]];
  it.each<[string, ModelSpec, RegExp]>([
    [
      'a value that two nodes define',
      { inputs: x, nodes: [relu('x', 'y'), relu('x', 'y')], outputs: ['y'] },
      /found `y` defined again by an output of the node `Relu_1`/,
    ],
    [
      'a node that defines an input',
      { inputs: x, nodes: [relu('x', 'x')], outputs: ['x'] },
      /found `x` defined again/,
    ],
    [
      'a value that nothing defines',
      { inputs: x, nodes: [relu('gone', 'y')], outputs: ['y'] },
      /Relu node `Relu_0` reads `gone`, which nothing defines/,
    ],
    [
      'an output that nothing defines',
      { inputs: x, nodes: [relu('x', 'y')], outputs: ['z'] },
      /Output `z` of graph `g` is defined nowhere/,
    ],
    [
      'a cycle',
      { inputs: x, nodes: [['Add', ['x', 'b'], ['a']], relu('a', 'b')], outputs: ['b'] },
      /Nodes of graph `g` wait for each other: .*`Add_0`.*`Relu_1`|wait for each other: .*`Relu_1`.*`Add_0`/,
    ],
    [
      'a nested graph that reads what its own node computes',
      {
        inputs: { c: ['bool', []] },
        nodes: [
          [
            'If',
            ['c'],
            ['y'],
            {
              then_branch: { nodes: [relu('y', 't')], outputs: ['t'] },
              else_branch: { nodes: [relu('y', 't')], outputs: ['t'] },
            },
          ],
        ],
        outputs: ['y'],
      },
      /wait for each other: If/,
    ],
    [
      'a value of a nested graph that is read outside',
      {
        inputs: { c: ['bool', []], ...x },
        nodes: [
          [
            'If',
            ['c'],
            ['y'],
            {
              then_branch: { nodes: [relu('x', 't')], outputs: ['t'] },
              else_branch: { nodes: [relu('x', 't')], outputs: ['t'] },
            },
          ],
          relu('t', 'z'),
        ],
        outputs: ['z'],
      },
      /reads `t`, which nothing defines/,
    ],
    [
      'an operator without a type',
      { inputs: x, nodes: [['', ['x'], ['y']]], outputs: ['y'] },
      /has no operator/,
    ],
  ])('refuses %s by name', (_, spec, message) => {
    expect(() => buildGraphModel(spec)).toThrow(UserError);
    expect(() => buildGraphModel(spec)).toThrow(message);
  });
});
