import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../../src/graph/model.js';
import { type Cut, dimsFrom, type LinearEnd } from '../../../src/repair/prune/cut.js';
import { contribution } from '../../../src/repair/prune/fold.js';
import { remap } from '../../../src/repair/prune/moves.js';
import { planRemoval } from '../../../src/repair/prune/plan.js';
import { findSites } from '../../../src/sites/find.js';
import { buildGraphModel, type ModelSpec, tensor } from '../../build.js';
import { nodeNamed, valueNamed } from '../../graph/build-graph.js';

const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);

/** Flat indices whose index along the cut's axis is removed. */
function flat({ axis, removed }: Cut, dims: readonly number[]): number[] {
  const inner = product(dims.slice(dims.length + axis + 1));
  return Array.from({ length: product(dims) }, (_, i) => i).filter((i) =>
    removed.has(Math.floor(i / inner) % dims.at(axis)!),
  );
}

describe('remap', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

  it('names the same elements in the other dimensions, or says that it cannot', () => {
    const splits = fc.tuple(sizes, fc.nat(), fc.nat(), fc.infiniteStream(fc.boolean()));
    fc.assert(
      fc.property(splits, ([dims, axisSeed, joinSeed, coins]) => {
        const axis = -1 - (axisSeed % dims.length);
        const removed = new Map<number, number>();
        for (let i = 0; i < dims.at(axis)!; i++) if (coins.next().value) removed.set(i, i);
        const cut: Cut = { axis, width: dims.at(axis)!, removed };
        // Another shape of the same elements: two neighbours joined, or one appended.
        const k = joinSeed % dims.length;
        const to =
          k + 1 < dims.length
            ? [...dims.slice(0, k), dims[k]! * dims[k + 1]!, ...dims.slice(k + 2)]
            : [...dims, 1];
        const there = remap(cut, dims, to);
        if (there) expect(flat(there, to)).toEqual(flat(cut, dims));
        const back = there && remap(there, to, dims);
        if (back) expect(flat(back, dims)).toEqual(flat(cut, dims));
      }),
    );
  });

  it('keeps the last axis when batch and sequence are joined, and back', () => {
    const cut: Cut = { axis: -1, width: 8, removed: new Map([[3, 3]]) };
    expect(remap(cut, [2, 5, 8], [10, 8])).toEqual(cut);
    expect(remap(cut, [10, 8], [2, 5, 8])).toEqual(cut);
  });

  it('makes a channel a run of features when a convolution is flattened', () => {
    const cut: Cut = { axis: -3, width: 4, removed: new Map([[1, 1]]) };
    const there = remap(cut, [2, 4, 3, 2], [2, 24])!;
    expect(there).toEqual({ axis: -1, width: 24, removed: new Map([6, 7, 8, 9, 10, 11].map((i) => [i, 1])) });
    expect(remap(there, [2, 24], [2, 4, 3, 2])).toEqual(cut);
  });

  it('refuses to split a neuron, or to join neurons with what is before them', () => {
    expect(remap({ axis: -1, width: 8, removed: new Map([[3, 3]]) }, [5, 8], [5, 2, 4])).toBeNull();
    expect(remap({ axis: -1, width: 8, removed: new Map([[3, 3]]) }, [5, 8], [40])).toBeNull();
  });
});

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

  function endOf(model: Model, inAxis: number, outAxis: number): LinearEnd {
    const node = nodeNamed(model.graph, 'end');
    const cut: Cut = { axis: -1, width: ins, removed: new Map() };
    return { node, operand: node.inputs[1]!, inAxis, outAxis, cut, onlyZero: null };
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
    expect([...contribution(endOf(model, inAxis, outAxis), constants)!]).toEqual(expected);
  });

  it('sums over the kernel of a convolution', () => {
    const kernel = tensor('float32', [2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    const model = build({ w: kernel }, [['Conv', ['x', 'w'], ['y'], {}, { name: 'end' }]]);
    expect([...contribution(endOf(model, -3, -4), new Map([[1, 10]]))!]).toEqual([70, 150]);
  });

  it('says so when the weights are computed', () => {
    const model = build({ w0: ['float32', [ins, outs], matrix] }, [
      ['Tanh', ['w0'], ['w']],
      ['MatMul', ['x', 'w'], ['y'], {}, { name: 'end' }],
    ]);
    expect(contribution(endOf(model, -2, -1), constants)).toBeNull();
  });
});

describe('planRemoval', () => {
  const gated: ModelSpec = {
    inputs: { x: ['float32', [2, 4]] },
    initializers: {
      g: ['float32', [4, 6], 1],
      u: ['float32', [4, 6], 1],
      gb: ['float32', [6], 0],
      d: ['float32', [6, 4], 1],
    },
    nodes: [
      ['MatMul', ['x', 'g'], ['h0']],
      ['Add', ['h0', 'gb'], ['h']],
      ['Relu', ['h'], ['a']],
      ['MatMul', ['x', 'u'], ['up']],
      ['Mul', ['a', 'up'], ['p']],
      ['MatMul', ['p', 'd'], ['y']],
    ],
    outputs: ['y'],
  };
  const wide = new Map(['h0', 'h', 'a', 'up', 'p'].map((name) => [name, [2, 6]]));

  it('finds every tensor of a gated MLP that has the neurons, and changes nothing', () => {
    const model = buildGraphModel(gated);
    const site = findSites(model.graph).sites.find((one) => one.site === 'mlp_post')!;
    const plan = planRemoval(site, [2, 3], dimsFrom(wide));
    if ('reason' in plan) throw new Error(plan.reason);
    expect([...plan.cuts.keys()].map(({ name }) => name).sort()).toEqual(['a', 'h', 'h0', 'p', 'up']);
    const stored = plan.stored.map(({ value, cut }) => `${value.name} ${cut.axis}`).sort();
    expect(stored).toEqual(['d -2', 'g -1', 'gb -1', 'u -1']);
    expect(plan.ends.map(({ node }) => node.output.name)).toEqual(['y']);
    expect(valueNamed(model.graph, 'g').tensor!.dims).toEqual([4n, 6n]);
  });

  it('refuses what it does not know the size of', () => {
    const model = buildGraphModel(gated);
    const site = findSites(model.graph).sites.find((one) => one.site === 'mlp_post')!;
    expect(planRemoval(site, [0], dimsFrom(new Map([['p', [2, 6]]])))).toEqual({
      reason: expect.stringMatching(/size of (a|up) at Mul .* is not known/),
    });
  });
});
