import { describe, expect, it } from 'vitest';
import { type CapacityWeights, capacity } from '../../src/stats/capacity.js';

const ref = (role: CapacityWeights['role'], more: Partial<CapacityWeights> = {}): CapacityWeights => ({
  role,
  initializer: role,
  scope: '',
  axis: 1,
  bias: null,
  fanIn: role === 'out' ? null : 10,
  fanOut: role === 'out' ? 20 : null,
  ...more,
});

describe('capacity', () => {
  it('takes away incoming weights, bias and outgoing weights of each dead neuron', () => {
    const site = {
      neurons: 8,
      deadNeurons: [1, 5],
      weights: [ref('in', { bias: 'b' }), ref('out', { bias: 'c' })],
    };
    expect(capacity(1000, [site])).toEqual({ parameters: 1000, active: 938, pruned: 0, ratio: 0.938 });
  });

  it('takes away gate and up columns of a gated MLP, also where one initializer holds both', () => {
    const packed = { initializer: 'gate_up' };
    const site = {
      neurons: 8,
      deadNeurons: [0],
      weights: [ref('gate', packed), ref('up', packed), ref('out')],
    };
    expect(capacity(1000, [site]).active).toBe(960);
  });

  it('takes away the pruned', () => {
    expect(capacity(100, [], 25)).toEqual({ parameters: 100, active: 75, pruned: 25, ratio: 0.75 });
  });

  it('counts weights that two layers share once, for neurons dead in both', () => {
    const site = (deadNeurons: number[]) => ({ neurons: 8, deadNeurons, weights: [ref('in'), ref('out')] });
    expect(capacity(1000, [site([0, 1]), site([1, 2])]).active).toBe(970);
  });

  it('is unknown where the weights of a dead neuron are, and only there', () => {
    expect(capacity(100, [{ neurons: 2, deadNeurons: [0], weights: [] }])).toMatchObject({
      active: null,
      ratio: null,
    });
    expect(capacity(100, [{ neurons: 2, deadNeurons: [], weights: [] }]).ratio).toBe(1);
    const dynamic = ref('in', { fanIn: null });
    expect(capacity(100, [{ neurons: 2, deadNeurons: [0], weights: [dynamic] }]).ratio).toBeNull();
    expect(capacity(0, []).ratio).toBeNull();
  });
});
