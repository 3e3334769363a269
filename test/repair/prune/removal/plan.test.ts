import { describe, expect, it } from 'vitest';
import { planRemoval } from '../../../../src/repair/prune/removal/plan.js';
import { shapesFrom } from '../../../../src/repair/prune/removal/removal.js';
import { findSites } from '../../../../src/sites/find.js';
import { buildGraphModel, type ModelSpec } from '../../../build.js';
import { valueNamed } from '../../../graph/build-graph.js';

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
    const plan = planRemoval(site, [2, 3], shapesFrom(wide));
    if ('reason' in plan) throw new Error(plan.reason);
    expect([...plan.computed.keys()].map(({ name }) => name).sort()).toEqual(['a', 'h', 'h0', 'p', 'up']);
    const stored = plan.stored.map(({ value, removal }) => `${value.name} ${removal.axis}`).sort();
    expect(stored).toEqual(['d -2', 'g -1', 'gb -1', 'u -1']);
    expect(plan.summingLayers.map(({ node }) => node.output.name)).toEqual(['y']);
    expect(valueNamed(model.graph, 'g').tensor!.dims).toEqual([4n, 6n]);
  });

  it('refuses what it does not know the size of', () => {
    const model = buildGraphModel(gated);
    const site = findSites(model.graph).sites.find((one) => one.site === 'mlp_post')!;
    expect(planRemoval(site, [0], shapesFrom(new Map([['p', [2, 6]]])))).toEqual({
      reason: expect.stringMatching(/size of (a|up) at Mul .* is not known/),
    });
  });
});
