import { describe, expect, it } from 'vitest';
import { boundNetwork } from '../../src/bounds/network.js';

describe('the network to bound', () => {
  it('has equal layers where numbers describe it', async () => {
    const { network, bounds } = (await boundNetwork({ width: 3, depth: 4 }))!;
    expect(network).toEqual({ model: null, width: 3, depth: 4, bias: true, kernel: null, layers: [] });
    expect(bounds.upper).toBeCloseTo((1 - 2 ** -12) ** 3, 14);
    expect(bounds).not.toHaveProperty('upperOneMap');
  });

  it('of kernels over all maps has N²M²+N parameters a layer; equation 22 stands beside it', async () => {
    const { bounds } = (await boundNetwork({ width: 2, depth: 3, kernel: 1 }))!;
    expect(bounds.upper).toBeCloseTo((1 - 2 ** -6) ** 2, 14);
    expect(bounds.upperOneMap).toBeCloseTo((1 - 2 ** -4) ** 2, 14);
  });

  it('gets the width that keeps the probability, where only a depth is known', async () => {
    expect((await boundNetwork({ depth: 256, probability: 0.5 }))!.network.width).toBe(9);
    expect(await boundNetwork({ width: 9, probability: 0.5 })).toBeNull();
    expect(await boundNetwork({})).toBeNull();
  });

  it('has the layers of a model, whose widths may differ', async () => {
    const { network } = (await boundNetwork({ model: 'models/mlp/model.onnx' }))!;
    expect(network).toMatchObject({ width: null, depth: 3, bias: true, kernel: null });
    await expect(boundNetwork({ model: 'models/mlp/model.onnx', kernel: 3 })).rejects.toThrow(/found both/);
  });
});
