import { describe, expect, it } from 'vitest';
import { openProver } from '../../../../src/repair/prune/proof/prover.js';
import { shapesFrom } from '../../../../src/repair/prune/removal/removal.js';
import { buildGraphModel, type ModelSpec } from '../../../build.js';
import { valueNamed } from '../../../graph/build-graph.js';

type Spec = Pick<ModelSpec, 'initializers' | 'nodes'>;

/** Neurons of `y` that are proven constant; every tensor is [2, width] but for those in `shapes`. */
function provenAt(
  { initializers, nodes }: Spec,
  {
    width = 4,
    axis = -1,
    shapes = {},
  }: { width?: number; axis?: number; shapes?: Record<string, number[]> } = {},
  among?: number[],
): number[] {
  const spec: ModelSpec = {
    inputs: { x: ['float32', shapes.x ?? [2, width]] },
    initializers: initializers!,
    nodes,
    outputs: ['y'],
  };
  const { graph } = buildGraphModel(spec);
  const sizes = new Map<string, number[]>([['x', shapes.x ?? [2, width]]]);
  for (const [, , outputs] of nodes) for (const name of outputs) sizes.set(name, shapes[name] ?? [2, width]);
  const neurons = sizes.get('y')!.at(axis)!;
  const all = new Set(among ?? Array.from({ length: neurons }, (_, n) => n));
  return [...openProver(shapesFrom(sizes)).constantNeurons(valueNamed(graph, 'y'), axis, all)];
}

/** x → first → Gemm with the identity as weight and these biases → Relu. */
const biased = (first: ModelSpec['nodes'], b: number[], more: ModelSpec['initializers'] = {}): Spec => ({
  initializers: {
    w: ['float32', [4, 4], Array.from({ length: 16 }, (_, k) => (k % 5 === 0 ? 1 : 0))],
    b: ['float32', [4], b],
    ...more,
  },
  nodes: [...first, ['Gemm', ['i', 'w', 'b'], ['h']], ['Relu', ['h'], ['y']]],
});

describe('a neuron is proven constant', () => {
  it('where all weights are at most 0, the inputs at least 0 and the bias at most 0', () => {
    const spec: Spec = {
      initializers: {
        w: ['float32', [4, 4], Array.from({ length: 16 }, (_, k) => [-1, 0, 1, -2][k % 4]!)],
        b: ['float32', [4], [0, -1, -100, 0.1]],
      },
      nodes: [
        ['Relu', ['x'], ['i']],
        ['Gemm', ['i', 'w', 'b'], ['h']],
        ['Relu', ['h'], ['y']],
      ],
    };
    expect(provenAt(spec)).toEqual([0, 1]);
    expect(provenAt(spec, {}, [1, 3])).toEqual([1]);
  });

  it('where its weights are 0, whatever the inputs are; any activation function will do', () => {
    const spec: Spec = {
      initializers: {
        w: ['float32', [4, 4], Array.from({ length: 16 }, (_, k) => (k % 4 === 2 ? 0 : 1))],
        b: ['float32', [4], 0.5],
      },
      nodes: [
        ['Gemm', ['x', 'w', 'b'], ['h']],
        ['Gelu', ['h'], ['y']],
      ],
    };
    expect(provenAt(spec)).toEqual([2]);
  });

  it('behind a LayerNorm, where the bias is below √n · |scale|', () => {
    const first: ModelSpec['nodes'] = [['LayerNormalization', ['x', 'g', 's'], ['i']]];
    const more: ModelSpec['initializers'] = {
      g: ['float32', [4], [1, 1, -1, 0.1]],
      s: ['float32', [4], [0, 0, 1, 0]],
    };
    expect(provenAt(biased(first, [-1.9, -2.1, -3.1, -0.3], more))).toEqual([1, 2, 3]);
  });

  it('behind an RMSNorm in five nodes, and not over another axis', () => {
    const norm = (axis: number): ModelSpec['nodes'] => [
      ['Mul', ['x', 'x'], ['p']],
      ['ReduceMean', ['p'], ['m'], { axes: [axis] }],
      ['Add', ['m', 'e'], ['a']],
      ['Sqrt', ['a'], ['q']],
      ['Div', ['x', 'q'], ['i']],
    ];
    const shapes = { m: [2, 1], a: [2, 1], q: [2, 1] };
    const more: ModelSpec['initializers'] = { e: 1e-6 };
    expect(provenAt(biased(norm(-1), [-1.9, -2.1, 0, -9], more), { shapes })).toEqual([1, 3]);
    expect(provenAt(biased(norm(0), [-1.9, -2.1, 0, -9], more), { shapes })).toEqual([]);
  });

  it('behind functions with limits: sigmoid, softmax, clip', () => {
    const b = [-0.9, -1.1, 0.1, -1];
    expect(provenAt(biased([['Sigmoid', ['x'], ['i']]], b))).toEqual([1]);
    expect(provenAt(biased([['Softmax', ['x'], ['i']]], b))).toEqual([1]);
    const clip: ModelSpec['nodes'] = [['Clip', ['x', 'low', 'high'], ['i']]];
    expect(provenAt(biased(clip, b, { low: -5, high: 0.95 }))).toEqual([1, 3]);
  });

  it('where a function has one value on the whole range of its argument', () => {
    const spec = (op: string, b: number[]): Spec => ({
      ...biased([['Sigmoid', ['x'], ['i']]], b),
      nodes: [
        ['Sigmoid', ['x'], ['i']],
        ['Gemm', ['i', 'w', 'b'], ['h']],
        [op, ['h'], ['y']],
      ],
    });
    expect(provenAt(spec('HardSigmoid', [-4, -3, 3, 1]))).toEqual([0, 2]);
    expect(provenAt(spec('HardSwish', [-4.1, -3, 3, 1]))).toEqual([0]);
    // σ is never one number, but for float32.
    expect(provenAt(spec('Sigmoid', [-400, 400, 0, 0]))).toEqual([]);
  });

  it('where only neurons that are constant are summed', () => {
    const spec: Spec = {
      initializers: {
        w: ['float32', [4, 4], Array.from({ length: 16 }, (_, k) => (k % 4 < 2 ? -1 : 1))],
        v: ['float32', [4, 4], Array.from({ length: 16 }, (_, k) => (k < 8 || k % 4 === 1 ? 3 : 0))],
        b: ['float32', [4], 1],
      },
      nodes: [
        ['Abs', ['x'], ['i']],
        ['MatMul', ['i', 'w'], ['h']],
        ['Relu', ['h'], ['a']],
        ['Gemm', ['a', 'v', 'b'], ['u']],
        ['Tanh', ['u'], ['y']],
      ],
    };
    // Neurons 0 and 1 of a are 0, and only these reach 0, 2 and 3 of u.
    expect(provenAt(spec)).toEqual([0, 2, 3]);
  });

  it('after quantization, which clips to the codes it has', () => {
    const first: ModelSpec['nodes'] = [
      ['Clip', ['x', 'low', 'high'], ['c']],
      ['QuantizeLinear', ['c', 's', 'z'], ['q']],
      ['DequantizeLinear', ['q', 's', 'z'], ['i']],
    ];
    const more: ModelSpec['initializers'] = { low: -9, high: -5, s: 0.5, z: ['uint8', [], [4]] };
    // −9 … −5 become −2: code 0 is the least there is.
    expect(provenAt(biased(first, [1.9, 2.1, 1, 2.2], more))).toEqual([0, 1, 2, 3]);
    const other: ModelSpec['initializers'] = { ...more, high: 0.1 };
    // 0.1 may become 0.5.
    expect(provenAt(biased(first, [-0.2, -0.4, -0.6, 0], other))).toEqual([2]);
  });

  it('through a transposed weight, a cast and codes with a scale for each neuron', () => {
    const q = Array.from({ length: 16 }, (_, k) => (Math.floor(k / 4) === 1 ? -3 : 3));
    const spec: Spec = {
      initializers: {
        q: ['int8', [4, 4], q],
        s: ['float32', [4], [1, 2, 1, -1]],
      },
      nodes: [
        ['Relu', ['x'], ['i']],
        ['DequantizeLinear', ['q', 's'], ['d'], { axis: 0 }],
        ['Transpose', ['d'], ['w'], { perm: [1, 0] }],
        ['MatMul', ['i', 'w'], ['h']],
        ['Relu', ['h'], ['y']],
      ],
    };
    expect(provenAt(spec, { shapes: { d: [4, 4], w: [4, 4] } })).toEqual([1, 3]);
  });

  it('through reshapes, transpositions and joined tensors', () => {
    const spec: Spec = {
      initializers: {
        w: ['float32', [4, 4], Array.from({ length: 16 }, (_, k) => (k % 4 === 1 ? -1 : 1))],
        s: ['int64', [3], [1, 2, 4]],
        r: ['int64', [2], [2, 4]],
      },
      nodes: [
        ['Relu', ['x'], ['i']],
        ['Reshape', ['i', 's'], ['k']],
        ['Reshape', ['k', 'r'], ['j']],
        ['MatMul', ['j', 'w'], ['h']],
        ['Relu', ['h'], ['a']],
        ['Concat', ['a', 'x', 'a'], ['c'], { axis: 1 }],
        ['Transpose', ['c'], ['y'], { perm: [1, 0] }],
      ],
    };
    const shapes = { k: [1, 2, 4], c: [2, 12], y: [12, 2] };
    expect(provenAt(spec, { axis: -2, shapes })).toEqual([1, 9]);
  });

  it('as a channel, that becomes a run of features when it is flattened', () => {
    const spec: Spec = {
      initializers: {
        w: ['float32', [2, 4, 1, 1], [-1, -1, -1, -1, 1, 1, 1, 1]],
        b: ['float32', [2], 0],
      },
      nodes: [
        ['Relu', ['x'], ['i']],
        ['Conv', ['i', 'w', 'b'], ['h']],
        ['Relu', ['h'], ['a']],
        ['GlobalAveragePool', ['a'], ['p']],
        ['Expand', ['p', 'size'], ['e']],
        ['Flatten', ['e'], ['y']],
      ],
    };
    spec.initializers!.size = ['int64', [4], [2, 2, 1, 3]];
    const image = [2, 4, 5, 5];
    const shapes = {
      ...{
        x: image,
        i: image,
        h: [2, 2, 5, 5],
        a: [2, 2, 5, 5],
        p: [2, 2, 1, 1],
        e: [2, 2, 1, 3],
        y: [2, 6],
      },
    };
    expect(provenAt(spec, { shapes })).toEqual([0, 1, 2]);
  });

  it('and not where anything on the way is unknown, random, or given from outside', () => {
    const b = [-9, -9, -9, -9];
    expect(provenAt(biased([['Identity', ['x'], ['i']]], b))).toEqual([]);
    expect(
      provenAt(
        biased(
          [
            ['Sin', ['x'], ['s']],
            ['SomeOperator', ['s'], ['i']],
          ],
          b,
        ),
      ),
    ).toEqual([]);
    expect(provenAt(biased([['RandomUniformLike', ['x'], ['i']]], b))).toEqual([]);
  });
});
