import { describe, expect, it } from 'vitest';
import { constantInts, constantOf, constantScalar, constantTensor } from '../../src/graph/constants.js';
import { fromOnnx } from '../../src/graph/from-onnx.js';
import { buildGraphModel, buildModel, type ModelSpec, tensor } from '../build.js';
import { valueNamed } from './build-graph.js';

const inputs: ModelSpec['inputs'] = { x: ['float32', [2]] };

/** The value `y` of these nodes. */
const value = (spec: Partial<ModelSpec> & Pick<ModelSpec, 'nodes'>) =>
  valueNamed(buildGraphModel({ inputs: inputs!, outputs: ['y'], ...spec }).graph, 'y');

describe('constantTensor', () => {
  it.each<[string, Record<string, never> | object, number[], number[]]>([
    ['value', { value: tensor('float32', [2], [1, 2]) }, [2], [1, 2]],
    ['value_float', { value_float: 0.5 }, [], [0.5]],
    ['value_floats', { value_floats: { floats: [1, 2] } }, [2], [1, 2]],
    ['value_int', { value_int: 3 }, [], [3]],
    ['value_ints', { value_ints: [3, 4] }, [2], [3, 4]],
  ])('reads a Constant node’s %s', (_, attributes, dims, numbers) => {
    const y = value({ nodes: [['Constant', [], ['y'], attributes as never]] });
    expect(constantTensor(y)?.dims.map(Number)).toEqual(dims);
    expect(constantOf(y)?.numbers).toEqual(numbers);
  });

  it('reads initializers, those captured by a nested graph, and sparse ones', () => {
    const proto = buildModel({ nodes: [['Identity', ['s'], ['y']]], outputs: ['y'], initializers: { b: 2 } });
    proto.graph!.sparseInitializer = [
      { values: tensor('float32', [1], 5, 's'), indices: tensor('int64', [1], 2), dims: [4n], unknown: [] },
    ];
    const { graph } = fromOnnx(proto);
    expect(constantOf(valueNamed(graph, 'y'))?.numbers).toEqual([0, 0, 5, 0]);
    expect(constantScalar(valueNamed(graph, 'b'))).toBe(2);
    expect(constantTensor(valueNamed(graph, 'y'))).toBeNull();
  });

  it('is null for a sparse tensor whose size no bytes back', () => {
    const proto = buildModel({ nodes: [['Identity', ['s'], ['y']]], outputs: ['y'] });
    proto.graph!.sparseInitializer = [
      {
        values: tensor('float32', [1], 5, 's'),
        indices: tensor('int64', [1], 2),
        dims: [2n ** 40n],
        unknown: [],
      },
    ];
    expect(constantOf(valueNamed(fromOnnx(proto).graph, 's'))).toBeNull();
  });

  it('is null for what depends on an input', () => {
    const y = value({ nodes: [['Relu', ['x'], ['y']]] });
    expect(constantTensor(y)).toBeNull();
    expect(constantScalar(y)).toBeNull();
    expect(constantInts(y)).toBeNull();
  });
});

describe('constantScalar', () => {
  const two = { two: ['float32', [1], 2] as ['float32', number[], number] };
  it.each<[string, ModelSpec['nodes'], number]>([
    ['Identity', [['Identity', ['two'], ['y']]], 2],
    [
      'Cast to float16, rounded',
      [
        ['Constant', [], ['r'], { value_float: Math.SQRT2 }],
        ['Cast', ['r'], ['y'], { to: 10 }],
      ],
      1.4140625,
    ],
    [
      'Cast to int64, truncated',
      [
        ['Constant', [], ['r'], { value_float: -1.7 }],
        ['Cast', ['r'], ['y'], { to: 7 }],
      ],
      -1,
    ],
    [
      'Unsqueeze and Squeeze',
      [
        ['Unsqueeze', ['two'], ['u'], { axes: [0] }],
        ['Squeeze', ['u'], ['y']],
      ],
      2,
    ],
    ['Sqrt of a constant', [['Sqrt', ['two'], ['y']]], Math.fround(Math.SQRT2)],
    [
      'Reciprocal and Neg',
      [
        ['Reciprocal', ['two'], ['r']],
        ['Neg', ['r'], ['y']],
      ],
      -0.5,
    ],
    [
      'Add, Sub, Mul, Div',
      [
        ['Add', ['two', 'two'], ['a']],
        ['Mul', ['a', 'two'], ['b']],
        ['Sub', ['b', 'two'], ['c']],
        ['Div', ['c', 'two'], ['y']],
      ],
      3,
    ],
    [
      'ConstantOfShape',
      [
        ['Constant', [], ['one'], { value_ints: [1] }],
        ['ConstantOfShape', ['one'], ['y'], { value: tensor('float32', [1], 7) }],
      ],
      7,
    ],
    [
      'QuantizeLinear and DequantizeLinear',
      [
        ['Constant', [], ['s'], { value_float: 0.25 }],
        ['Constant', [], ['z'], { value: tensor('uint8', [], 3) }],
        ['QuantizeLinear', ['two', 's', 'z'], ['q']],
        ['DequantizeLinear', ['q', 's', 'z'], ['y']],
      ],
      2,
    ],
    [
      'QuantizeLinear that saturates',
      [
        ['Constant', [], ['s'], { value_float: 0.001 }],
        ['Constant', [], ['z'], { value: tensor('int8', [], 0) }],
        ['QuantizeLinear', ['two', 's', 'z'], ['y']],
      ],
      127,
    ],
  ])('sees through %s', (_, nodes, expected) => {
    expect(constantScalar(value({ initializers: two, nodes }))).toBe(expected);
  });

  it('divides integers as integers', () => {
    const y = value({
      nodes: [
        ['Constant', [], ['a'], { value_int: 7 }],
        ['Constant', [], ['b'], { value_int: -2 }],
        ['Div', ['a', 'b'], ['y']],
      ],
    });
    expect(constantScalar(y)).toBe(-3);
  });

  it('is null for several elements', () => {
    expect(constantScalar(value({ nodes: [['Constant', [], ['y'], { value_ints: [1, 2] }]] }))).toBeNull();
  });

  it('gives up soon on a hostile chain of additions', () => {
    const nodes: ModelSpec['nodes'] = Array.from({ length: 60 }, (_, i) => [
      'Add',
      [`v${i}`, `v${i}`],
      [i === 59 ? 'y' : `v${i + 1}`],
    ]);
    const y = value({ initializers: { v0: 1 }, nodes });
    expect(constantScalar(y)).toBeNull();
  });
});

describe('constantInts', () => {
  it('reads a shape that was put together', () => {
    const y = value({
      nodes: [
        ['Constant', [], ['a'], { value_int: -1 }],
        ['Unsqueeze', ['a'], ['b'], { axes: [0] }],
        ['Constant', [], ['c'], { value_ints: [12, 64] }],
        ['Concat', ['b', 'c'], ['y'], { axis: 0 }],
      ],
    });
    expect(constantInts(y)).toEqual([-1, 12, 64]);
  });

  it('is null for numbers that are not whole, and for weights', () => {
    expect(constantInts(value({ nodes: [['Constant', [], ['y'], { value_float: 0.5 }]] }))).toBeNull();
    const weights = { w: ['int64', [2000], 1] as ['int64', number[], number] };
    expect(constantInts(value({ initializers: weights, nodes: [['Identity', ['w'], ['y']]] }))).toBeNull();
  });
});
