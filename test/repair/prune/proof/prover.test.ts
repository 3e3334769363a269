import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NdArray } from '../../../../src/onnx/array.js';
import { encodeModel } from '../../../../src/onnx/encode.js';
import { openProver } from '../../../../src/repair/prune/proof/prover.js';
import { shapesFrom } from '../../../../src/repair/prune/removal/removal.js';
import { openSession } from '../../../../src/runtime/session.js';
import { buildGraphModel, buildModel, type ModelSpec } from '../../../build.js';
import { valueNamed } from '../../../graph/build-graph.js';

/** Runs a model and returns the values of some tensors, which become its outputs, with their sizes. */
async function run(spec: ModelSpec, x: NdArray, tensors: string[]): Promise<Record<string, NdArray>> {
  const model = encodeModel(buildModel({ ...spec, outputs: tensors }));
  const session = await openSession({ model, folder: '.', device: 'cpu', threads: 1 });
  try {
    return await session.run({ feeds: { x }, fetch: tensors });
  } finally {
    await session.dispose();
  }
}

/** Returns the neurons that are proven to be constant at each tensor; `axis` counts from the end. */
function proven(spec: ModelSpec, results: Record<string, NdArray>, tensors: string[], axis = -1) {
  const { graph } = buildGraphModel(spec);
  const shapes = new Map(Object.entries(results).map(([name, { dims }]) => [name, dims]));
  const prover = openProver(shapesFrom(shapes));
  return tensors.map((name) => {
    const width = shapes.get(name)!.at(axis)!;
    const all = new Set(Array.from({ length: width }, (_, n) => n));
    return [...prover.constantNeurons(valueNamed(graph, name), axis, all)].sort((a, b) => a - b);
  });
}

/** Every tensor that a node of the graph computes. */
const computed = ({ nodes }: ModelSpec): string[] =>
  nodes.flatMap(([, , outputs]) => outputs.filter(Boolean));

const float = (dims: number[], data: ArrayLike<number>): NdArray => ({
  type: 'float32',
  dims,
  data: Float32Array.from(data),
});

/** Values of one neuron at all positions. */
function valuesOf({ dims, data }: NdArray, axis: number, neuron: number): number[] {
  const width = dims.at(axis)!;
  const inner = dims.slice(dims.length + axis + 1).reduce((a, b) => a * b, 1);
  return Array.from(data as Float32Array).filter((_, i) => Math.floor(i / inner) % width === neuron);
}

/** Numbers of every size and sign, subnormal and enormous ones among them. */
const anyNumber = fc.oneof(
  fc.double({ min: -4, max: 4, noNaN: true }),
  fc.constantFrom(0, -0, 1e-40, -1e-40, 1e-20, 1e4, -1e4, 1e18, -1e18, 3e38, -3e38),
);

/** Numbers, or one number among zeros, which a normalisation makes as large as it can be. */
const anyRow = fc.oneof(
  fc.array(anyNumber, { minLength: 6, maxLength: 6 }),
  fc
    .tuple(fc.nat(5), fc.constantFrom(3, -3, 1e6, -1e6))
    .map(([place, number]) => Array.from({ length: 6 }, (_, i) => (i === place ? number : 0))),
);

/** Weights of one sign, zeros, or anything: so that some neurons are dead and some just miss it. */
const someWeights = (count: number) =>
  fc
    .tuple(
      fc.constantFrom(-1, 1, 0, null),
      fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: count, maxLength: count }),
    )
    .map(([sign, list]) => (sign === null ? list : list.map((w) => sign * Math.abs(w))));

const columns = (inputs: number, outputs: number) =>
  fc
    .array(someWeights(inputs), { minLength: outputs, maxLength: outputs })
    .map((rows) =>
      Array.from({ length: inputs * outputs }, (_, k) => rows[k % outputs]![Math.floor(k / outputs)]!),
    );

const biases = (count: number) =>
  fc.array(fc.oneof(fc.constantFrom(0, -1, -8, -40), fc.double({ min: -6, max: 2, noNaN: true })), {
    minLength: count,
    maxLength: count,
  });

const ROWS = 24;
const WIDTH = 6;

interface Drawn {
  w: number[];
  b: number[];
  v: number[];
  c: number[];
  gamma: number[];
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  w: columns(WIDTH, WIDTH),
  b: biases(WIDTH),
  v: columns(WIDTH, WIDTH),
  c: biases(WIDTH),
  gamma: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: WIDTH, maxLength: WIDTH }),
});

type Nodes = ModelSpec['nodes'];

/** Two layers, with something before each that limits their inputs, or does not. */
const families: Record<string, { first: Nodes; between: Nodes }> = {
  'plain layers': { first: [['Identity', ['x'], ['i']]], between: [['Relu', ['h'], ['a']]] },
  'a LayerNorm': {
    first: [['LayerNormalization', ['x', 'gamma', 'zeros'], ['i']]],
    between: [['Relu', ['h'], ['a']]],
  },
  'a LayerNorm that is written out': {
    first: [
      ['ReduceMean', ['x'], ['m'], { axes: [-1] }],
      ['Sub', ['x', 'm'], ['d']],
      ['Pow', ['d', 'two'], ['p']],
      ['ReduceMean', ['p'], ['s'], { axes: [-1] }],
      ['Add', ['s', 'epsilon'], ['e']],
      ['Sqrt', ['e'], ['q']],
      ['Div', ['d', 'q'], ['n']],
      ['Mul', ['n', 'gamma'], ['i']],
    ],
    between: [['Relu', ['h'], ['a']]],
  },
  sigmoids: { first: [['Sigmoid', ['x'], ['i']]], between: [['HardSigmoid', ['h'], ['a']]] },
  'a tanh and a clip': {
    first: [['Tanh', ['x'], ['i']]],
    between: [['Clip', ['h', 'zero', 'six'], ['a']]],
  },
  'a softmax': { first: [['Softmax', ['x'], ['i']]], between: [['Relu', ['h'], ['a']]] },
  'a SiLU in two nodes, after exp': {
    first: [
      ['Neg', ['x'], ['n']],
      ['Exp', ['n'], ['e']],
      ['Reciprocal', ['e'], ['i']],
    ],
    between: [
      ['Sigmoid', ['h'], ['s']],
      ['Mul', ['h', 's'], ['a']],
    ],
  },
  'a gate': {
    first: [['Abs', ['x'], ['i']]],
    between: [
      ['Relu', ['h'], ['g']],
      ['MatMul', ['i', 'v'], ['u']],
      ['Mul', ['g', 'u'], ['a']],
    ],
  },
  'quantized activations': {
    first: [
      ['Relu', ['x'], ['r']],
      ['QuantizeLinear', ['r', 'scale', 'mid'], ['k']],
      ['DequantizeLinear', ['k', 'scale', 'mid'], ['i']],
    ],
    between: [['Relu', ['h'], ['a']]],
  },
};

/** The initializers of one drawn network. */
const initializersOf = ({ w, b, v, c, gamma }: Drawn): ModelSpec['initializers'] => ({
  w: ['float32', [WIDTH, WIDTH], w],
  b: ['float32', [WIDTH], b],
  v: ['float32', [WIDTH, WIDTH], v],
  c: ['float32', [WIDTH], c],
  gamma: ['float32', [WIDTH], gamma],
  zeros: ['float32', [WIDTH], 0],
  two: 2,
  epsilon: 1e-5,
  zero: 0,
  six: 6,
  scale: 0.05,
  mid: ['uint8', [], [12]],
});

/** Several drawn networks side by side in one graph, which all read x; names end in the number of the network. */
function specOf({ first, between }: (typeof families)[string], draws: readonly Drawn[]): ModelSpec {
  const nodes: Nodes = [
    ...first,
    ['Gemm', ['i', 'w', 'b'], ['h']],
    ...between,
    ['MatMul', ['a', 'v'], ['y0']],
    ['Add', ['y0', 'c'], ['y1']],
    ['Relu', ['y1'], ['y']],
  ];
  const named = (name: string, index: number) => (name === 'x' ? name : `${name}_${index}`);
  const initializers = draws.flatMap((draw, index) =>
    Object.entries(initializersOf(draw)!).map(([name, tensor]) => [named(name, index), tensor]),
  );
  return {
    inputs: { x: ['float32', [ROWS, WIDTH]] },
    initializers: Object.fromEntries(initializers),
    nodes: draws.flatMap((_, index) =>
      nodes.map(([op, inputs, outputs, attributes = {}]): Nodes[number] => [
        op,
        inputs.map((name) => named(name, index)),
        outputs.map((name) => named(name, index)),
        attributes,
      ]),
    ),
    outputs: draws.map((_, index) => named('y', index)),
  };
}

/** Rows of which every number is finite: what overflows is no promise, since ∞ · 0 is not 0. */
function finiteRows(results: Record<string, NdArray>, tensors: readonly string[]): boolean[] {
  return Array.from({ length: ROWS }, (_, row) =>
    tensors.every((name) => {
      const { data } = results[name]!;
      const size = data.length / ROWS;
      return (data as Float32Array).slice(row * size, (row + 1) * size).every(Number.isFinite);
    }),
  );
}

describe('a neuron that is proven constant', () => {
  it.each(Object.keys(families))(
    'has one value whatever the input, extreme values included: %s',
    { timeout: 120_000 },
    async (family) => {
      let found = 0;
      const draws = fc.array(drawn, { minLength: 12, maxLength: 12 });
      const inputs = fc.array(anyRow, { minLength: ROWS, maxLength: ROWS }).map((rows) => rows.flat());
      await fc.assert(
        fc.asyncProperty(draws, inputs, async (networks, numbers) => {
          const spec = specOf(families[family]!, networks);
          // Codes and numbers that belong to no neuron are left out.
          const tensors = computed(spec).filter((name) => !/^[kmseq]_/.test(name));
          const results = await run(spec, float([ROWS, WIDTH], numbers), computed(spec));
          for (const [i, neurons] of proven(spec, results, tensors).entries()) {
            const name = tensors[i]!;
            const own = tensors.filter((other) => other.split('_')[1] === name.split('_')[1]);
            const finite = finiteRows(results, own);
            for (const neuron of neurons) {
              const values = valuesOf(results[name]!, -1, neuron).filter((_, row) => finite[row]);
              if (values.length === 0) continue;
              found++;
              const [low, high] = [Math.min(...values), Math.max(...values)];
              expect(high - low, `${name}[${neuron}]`).toBeLessThanOrEqual(SAME * Math.abs(low));
            }
          }
        }),
        { numRuns: 2, seed: 7, endOnFailure: true },
      );
      expect(found).toBeGreaterThan(0);
    },
  );

  it('is a channel of a convolution, too', { timeout: 120_000 }, async () => {
    let found = 0;
    const kernels = fc.array(columns(9 * 4, 4), { minLength: 2, maxLength: 2 });
    const numbers = fc.array(anyNumber, { minLength: 2 * 4 * 36, maxLength: 2 * 4 * 36 });
    await fc.assert(
      fc.asyncProperty(kernels, biases(4), biases(4), numbers, async ([w, v], b, c, x) => {
        const turned = (list: number[]) => list.map((_, k) => list[(k % 36) * 4 + Math.floor(k / 36)]!);
        const spec: ModelSpec = {
          inputs: { x: ['float32', [2, 4, 6, 6]] },
          initializers: {
            w: ['float32', [4, 4, 3, 3], turned(w!)],
            b: ['float32', [4], b],
            v: ['float32', [4, 4, 3, 3], turned(v!)],
            c: ['float32', [4], c],
            g: ['float32', [4], [1, -1, 0.5, 0]],
            one: ['float32', [4], 1],
          },
          nodes: [
            ['Sigmoid', ['x'], ['i']],
            ['Conv', ['i', 'w', 'b'], ['h'], { pads: [1, 1, 1, 1] }],
            ['Relu', ['h'], ['a']],
            ['MaxPool', ['a'], ['p'], { kernel_shape: [2, 2] }],
            ['BatchNormalization', ['p', 'g', 'b', 'c', 'one'], ['n']],
            ['Relu', ['n'], ['m']],
            ['Conv', ['m', 'v', 'c'], ['k'], { pads: [1, 1, 1, 1] }],
            ['Relu', ['k'], ['y']],
            ['AveragePool', ['y'], ['z'], { kernel_shape: [2, 2], pads: [1, 1, 0, 0], count_include_pad: 1 }],
          ],
          outputs: ['z'],
        };
        const results = await run(spec, float([2, 4, 6, 6], x), computed(spec));
        for (const [i, neurons] of proven(spec, results, computed(spec), -3).entries()) {
          for (const neuron of neurons) {
            const values = valuesOf(results[computed(spec)[i]!]!, -3, neuron);
            found++;
            expect(Math.max(...values) - Math.min(...values)).toBeLessThanOrEqual(
              SAME * Math.abs(values[0]!),
            );
          }
        }
      }),
      { numRuns: 6, seed: 3, endOnFailure: true },
    );
    expect(found).toBeGreaterThan(0);
  });
});

/** Constant inputs may be summed in another order at another position. */
const SAME = 1e-5;
