import { describe, expect, test } from 'vitest';
import { findActivations } from '../../src/patterns/activations.js';
import { buildGraphModel, type NodeSpec, type TensorSpec } from '../build.js';

/** The activation functions found between x and y in a graph of `nodes`, as `name: pre → post`. */
function found(nodes: NodeSpec[], initializers: Record<string, TensorSpec> = {}, opset = 20): string[] {
  const model = buildGraphModel({
    inputs: { a: ['float32', ['b', 's', 8]] },
    initializers: { w: ['float32', [8, 4], 0.5], ...initializers },
    nodes: [['MatMul', ['a', 'w'], ['x']], ...nodes],
    outputs: ['y'],
    opset,
    opsets: { 'com.microsoft': 1 },
  });
  return findActivations(model.graph).matches.map(
    ({ name, pre, post }) => `${name}: ${pre.name} → ${post.name}`,
  );
}

const one = { one: 1, half: 0.5 };
const sqrt2 = { ...one, sqrt2: Math.SQRT2, inv_sqrt2: Math.SQRT1_2 };
const tanhConstants = { ...one, c: 0.044715, k: Math.sqrt(2 / Math.PI), three: 3 };

/** Every way of writing a function that exporters were seen to use, and some they might: [name, nodes, constants]. */
const spellings: [string, string, NodeSpec[], Record<string, TensorSpec>?][] = [
  ['relu', 'Relu', [['Relu', ['x'], ['y']]]],
  ['relu', 'Max(x, 0)', [['Max', ['zero', 'x'], ['y']]], { zero: 0 }],
  ['relu', 'Clip(x, 0)', [['Clip', ['x', 'zero'], ['y']]], { zero: 0 }],
  ['relu6', 'Clip(x, 0, 6)', [['Clip', ['x', 'zero', 'six'], ['y']]], { zero: 0, six: 6 }],
  ['hardtanh', 'Clip(x, -1, 1)', [['Clip', ['x', 'low', 'one'], ['y']]], { low: -1, one: 1 }],
  ['leaky_relu(0.2)', 'LeakyRelu', [['LeakyRelu', ['x'], ['y'], { alpha: 0.2 }]]],
  ['leaky_relu(0.25)', 'PRelu with one slope', [['PRelu', ['x', 'p'], ['y']]], { p: ['float32', [1], 0.25] }],
  [
    'prelu',
    'PRelu with a slope per channel',
    [['PRelu', ['x', 'p'], ['y']]],
    { p: ['float32', [4], [0.1, 0.2, 0.3, 0.4]] },
  ],
  ['elu(1)', 'Elu', [['Elu', ['x'], ['y']]]],
  ['elu(0.5)', 'Elu(0.5)', [['Elu', ['x'], ['y'], { alpha: 0.5 }]]],
  ['selu', 'Selu', [['Selu', ['x'], ['y']]]],
  ['gelu', 'Gelu (opset 20)', [['Gelu', ['x'], ['y']]]],
  ['gelu_tanh', 'Gelu tanh (opset 20)', [['Gelu', ['x'], ['y'], { approximate: 'tanh' }]]],
  [
    'gelu',
    'erf: Div, then (x·(1+erf))·½',
    [
      ['Div', ['x', 'sqrt2'], ['d']],
      ['Erf', ['d'], ['e']],
      ['Add', ['e', 'one'], ['f']],
      ['Mul', ['x', 'f'], ['g']],
      ['Mul', ['g', 'half'], ['y']],
    ],
    sqrt2,
  ],
  [
    'gelu',
    'erf: Mul by 1/√2, then x·(½·(1+erf))',
    [
      ['Mul', ['inv_sqrt2', 'x'], ['d']],
      ['Erf', ['d'], ['e']],
      ['Add', ['one', 'e'], ['f']],
      ['Mul', ['half', 'f'], ['g']],
      ['Mul', ['x', 'g'], ['y']],
    ],
    sqrt2,
  ],
  [
    'gelu',
    'erf: (½·x)·(1+erf)',
    [
      ['Mul', ['x', 'half'], ['h']],
      ['Div', ['x', 'sqrt2'], ['d']],
      ['Erf', ['d'], ['e']],
      ['Add', ['e', 'one'], ['f']],
      ['Mul', ['f', 'h'], ['y']],
    ],
    sqrt2,
  ],
  [
    'gelu',
    'erf with √2 as fp16 stores it',
    [
      ['Div', ['x', 'sqrt2'], ['d']],
      ['Erf', ['d'], ['e']],
      ['Add', ['e', 'one'], ['f']],
      ['Mul', ['x', 'f'], ['g']],
      ['Mul', ['g', 'half'], ['y']],
    ],
    { ...one, sqrt2: 1.4140625 },
  ],
  [
    'gelu_tanh',
    'gelu_new: Pow 3, half first',
    [
      ['Mul', ['x', 'half'], ['h']],
      ['Pow', ['x', 'three'], ['p']],
      ['Mul', ['p', 'c'], ['q']],
      ['Add', ['x', 'q'], ['r']],
      ['Mul', ['r', 'k'], ['s']],
      ['Tanh', ['s'], ['t']],
      ['Add', ['t', 'one'], ['u']],
      ['Mul', ['h', 'u'], ['y']],
    ],
    tanhConstants,
  ],
  [
    'gelu_tanh',
    'x·x·x, half last',
    [
      ['Mul', ['x', 'x'], ['x2']],
      ['Mul', ['x', 'x2'], ['p']],
      ['Mul', ['c', 'p'], ['q']],
      ['Add', ['q', 'x'], ['r']],
      ['Mul', ['k', 'r'], ['s']],
      ['Tanh', ['s'], ['t']],
      ['Add', ['one', 't'], ['u']],
      ['Mul', ['x', 'u'], ['v']],
      ['Mul', ['half', 'v'], ['y']],
    ],
    tanhConstants,
  ],
  [
    'gelu_tanh',
    'gelu_fast: k·x·(1 + c·x·x)',
    [
      ['Mul', ['x', 'half'], ['h']],
      ['Mul', ['x', 'k'], ['kx']],
      ['Mul', ['x', 'c'], ['cx']],
      ['Mul', ['cx', 'x'], ['cx2']],
      ['Add', ['cx2', 'one'], ['r']],
      ['Mul', ['kx', 'r'], ['s']],
      ['Tanh', ['s'], ['t']],
      ['Add', ['t', 'one'], ['u']],
      ['Mul', ['h', 'u'], ['y']],
    ],
    tanhConstants,
  ],
  [
    'quick_gelu',
    'x·σ(1.702·x)',
    [
      ['Mul', ['x', 'a1'], ['m']],
      ['Sigmoid', ['m'], ['s']],
      ['Mul', ['x', 's'], ['y']],
    ],
    { a1: 1.702 },
  ],
  [
    'silu',
    'σ(x)·x',
    [
      ['Sigmoid', ['x'], ['s']],
      ['Mul', ['s', 'x'], ['y']],
    ],
  ],
  ['mish', 'Mish', [['Mish', ['x'], ['y']]]],
  [
    'mish',
    'x·tanh(softplus(x))',
    [
      ['Softplus', ['x'], ['s']],
      ['Tanh', ['s'], ['t']],
      ['Mul', ['x', 't'], ['y']],
    ],
  ],
  ['hardswish', 'HardSwish', [['HardSwish', ['x'], ['y']]]],
  [
    'hardswish',
    'x·clip(x+3,0,6)/6',
    [
      ['Add', ['x', 'three'], ['a3']],
      ['Clip', ['a3', 'zero', 'six'], ['c6']],
      ['Mul', ['x', 'c6'], ['m']],
      ['Div', ['m', 'six'], ['y']],
    ],
    { three: 3, zero: 0, six: 6 },
  ],
  ['softplus', 'Softplus', [['Softplus', ['x'], ['y']]]],
  [
    'softplus',
    'Softplus with Where above 20',
    [
      ['Softplus', ['x'], ['s']],
      ['Greater', ['x', 'limit'], ['g']],
      ['Where', ['g', 'x', 's'], ['y']],
    ],
    { limit: 20 },
  ],
  ['tanh', 'Tanh', [['Tanh', ['x'], ['y']]]],
  ['sigmoid', 'Sigmoid', [['Sigmoid', ['x'], ['y']]]],
  [
    'relu_squared',
    'Relu, then r·r',
    [
      ['Relu', ['x'], ['r']],
      ['Mul', ['r', 'r'], ['y']],
    ],
  ],
  [
    'gelu_10',
    'Gelu clipped at 10',
    [
      ['Gelu', ['x'], ['g']],
      ['Clip', ['g', 'low', 'high'], ['y']],
    ],
    { low: -10, high: 10 },
  ],
  ['gelu', 'com.microsoft Gelu', [['Gelu', ['x'], ['y'], {}, { domain: 'com.microsoft' }]]],
  ['gelu_tanh', 'com.microsoft FastGelu', [['FastGelu', ['x'], ['y'], {}, { domain: 'com.microsoft' }]]],
  [
    'quick_gelu',
    'com.microsoft QuickGelu',
    [['QuickGelu', ['x'], ['y'], { alpha: 1.702 }, { domain: 'com.microsoft' }]],
  ],
];

describe('findActivations', () => {
  test.each(spellings)('finds %s written as %s', (name, _how, nodes, constants) => {
    expect(found(nodes, constants)).toEqual([`${name}: x → y`]);
  });

  test('finds the bias that BiasGelu and FastGelu absorb', () => {
    for (const [opType, name] of [
      ['BiasGelu', 'gelu'],
      ['FastGelu', 'gelu_tanh'],
    ] as const) {
      const model = buildGraphModel({
        inputs: { x: ['float32', ['b', 4]] },
        initializers: { bias: ['float32', [4], [1, 2, 3, 4]] },
        nodes: [[opType, ['x', 'bias'], ['y'], {}, { domain: 'com.microsoft' }]],
        outputs: ['y'],
        opsets: { 'com.microsoft': 1 },
      });
      const [match] = findActivations(model.graph).matches;
      expect([match?.name, match?.pre.name, match?.bias?.name, match?.post.name]).toEqual([
        name,
        'x',
        'bias',
        'y',
      ]);
    }
  });

  test('finds constants wherever they are: Constant nodes, casts, quantized', () => {
    const nodes: NodeSpec[] = [
      ['Constant', [], ['k64'], { value_float: 1.702 }],
      ['Cast', ['k64'], ['a1'], { to: 1 }],
      ['Mul', ['x', 'a1'], ['m']],
      ['Sigmoid', ['m'], ['s']],
      ['Mul', ['x', 's'], ['y']],
    ];
    expect(found(nodes)).toEqual(['quick_gelu: x → y']);
    const quantized: NodeSpec[] = [
      ['DequantizeLinear', ['q', 'scale', 'zp'], ['three']],
      ['Add', ['x', 'three'], ['a3']],
      ['Clip', ['a3', 'zero', 'six'], ['c6']],
      ['Mul', ['x', 'c6'], ['m']],
      ['Div', ['m', 'six'], ['y']],
    ];
    const constants: Record<string, TensorSpec> = {
      q: ['int8', [], 30],
      scale: 0.1,
      zp: ['int8', [], 0],
      zero: 0,
      six: 6,
    };
    expect(found(quantized, constants)).toEqual(['hardswish: x → y']);
  });

  test('sees through casts and quantization between the pieces', () => {
    const nodes: NodeSpec[] = [
      ['QuantizeLinear', ['x', 's8', 'z8'], ['xq']],
      ['DequantizeLinear', ['xq', 's8', 'z8'], ['xd']],
      ['Sigmoid', ['xd'], ['s']],
      ['QuantizeLinear', ['s', 's8', 'z8'], ['sq']],
      ['DequantizeLinear', ['sq', 's8', 'z8'], ['sd']],
      ['Mul', ['xd', 'sd'], ['y']],
    ];
    const constants: Record<string, TensorSpec> = { s8: 0.05, z8: ['uint8', [], 128] };
    expect(found(nodes, constants)).toEqual(['silu: xd → y']);
  });

  test('does not take the gate of a gated MLP for a part of the activation', () => {
    const nodes: NodeSpec[] = [
      ['MatMul', ['a', 'w'], ['up']],
      ['Sigmoid', ['x'], ['s']],
      ['Mul', ['x', 's'], ['act']],
      ['Mul', ['act', 'up'], ['y']],
    ];
    expect(found(nodes)).toEqual(['silu: x → act']);
  });

  test('names a wrong constant as a near miss, with the distance', () => {
    const model = buildGraphModel({
      inputs: { x: ['float32', ['b', 4]] },
      initializers: { k: 2.5 },
      nodes: [
        ['Mul', ['x', 'k'], ['m']],
        ['Tanh', ['m'], ['t']],
        ['Mul', ['x', 't'], ['y']],
      ],
      outputs: ['y'],
    });
    const { matches, misses } = findActivations(model.graph);
    expect(matches).toEqual([]);
    expect(misses.map(({ pre, post }) => `${pre.name} → ${post.name}`)).toEqual(['x → y']);
    expect(misses[0]!.nearest.difference).toBeGreaterThan(0.003);
  });

  test('finds nothing in a LayerNorm or RMSNorm written out', () => {
    const nodes: NodeSpec[] = [
      ['ReduceMean', ['x'], ['mean'], { axes: [-1] }],
      ['Sub', ['x', 'mean'], ['d']],
      ['Pow', ['d', 'two'], ['d2']],
      ['ReduceMean', ['d2'], ['v'], { axes: [-1] }],
      ['Add', ['v', 'eps'], ['ve']],
      ['Sqrt', ['ve'], ['sd']],
      ['Div', ['d', 'sd'], ['y']],
    ];
    expect(found(nodes, { two: 2, eps: 1e-5 }, 17)).toEqual([]);
  });
});
