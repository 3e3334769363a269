import { describe, expect, it } from 'vitest';
import type { Inspection } from '../../src/app/inspect.js';
import { renderInspection } from '../../src/cli/inspection.js';

const site: Inspection['sites'][number] = {
  id: '0.mlp_post',
  stack: '',
  layer: 0,
  site: 'mlp_post',
  part: '',
  tensor: { name: '/h.0/act', type: 'float32', shape: ['batch', null, 64] },
  plus: null,
  neurons: 64,
  activation: 'relu',
  weights: [
    {
      ...{ role: 'in', initializer: 'w1', scope: '', type: 'float32', shape: [32, 64] },
      ...{ axis: 1, first: 0, bias: 'b1', fanIn: 32, fanOut: null },
    },
    {
      ...{ role: 'out', initializer: 'w2', scope: 'then', type: 'int8', shape: [64, 32] },
      ...{ axis: 0, first: 8, bias: 'b2', fanIn: null, fanOut: 1024 },
    },
  ],
};

const inspection: Inspection = {
  model: {
    ...{ name: 'mlp', path: 'mlp.onnx', files: [], graphSha256: '', opset: 17, producer: null },
    ...{ architecture: 'mlp', parameters: 12_345 },
  },
  kind: 'arrays',
  storedGraph: null,
  inputs: [{ name: 'x', type: 'float32', shape: ['batch', 32] }],
  outputs: [{ name: 'y', type: 'float32', shape: [] }],
  vocabulary: null,
  maxPositions: null,
  sites: [site],
  misses: [],
  coverage: { activations: 1, sites: 1 },
  warnings: [],
};

const rendered = (changes: Partial<Inspection>, explain = false) =>
  renderInspection({ ...inspection, ...changes }, { explain });

describe('an inspection', () => {
  it('lists the model, its inputs, and each site with its weights', () => {
    expect(rendered({}).split('\n')).toEqual([
      'model     mlp · 12.3 k parameters · opset 17 · fed with arrays',
      'inputs    x float32 [batch, 32]',
      'outputs   y float32 []',
      '',
      'site        activation  neurons  tensor',
      '0.mlp_post  relu             64  float32 [batch, ?, 64]',
      '  tensor /h.0/act',
      '  in w1 float32 [32, 64], axis 1, fan-in 32, bias b1',
      '  out w2 in then int8 [64, 32], axis 0, from 8, fan-out 1,024',
      '',
    ]);
  });

  it('says where a rank is unknown', () => {
    const unknown = { ...site, tensor: { ...site.tensor, shape: null } };
    expect(rendered({ sites: [unknown] })).toContain('float32 of unknown rank');
  });

  it('does not say that all was found where nothing was', () => {
    expect(rendered({ sites: [] })).toMatch(/\nNo site was found\.\n$/);
    expect(rendered({ sites: [] }, true)).toMatch(
      /\nNo site was found\.\n\nNo activation function and no attention came near a site; `--map` names one by\nhand\.\n$/,
    );
    expect(rendered({}, true)).toMatch(/\nNothing else came near a site\.\n$/);
  });

  it('lists near misses, or counts them', () => {
    const misses = [{ what: 'gelu', reason: 'differs by 0.1', at: '/h.0/Mul' }] as Inspection['misses'];
    expect(rendered({ misses })).toMatch(/\n1 near miss: see `--explain`\.\n$/);
    expect(rendered({ misses }, true)).toMatch(/\nNot found\ngelu at \/h\.0\/Mul: differs by 0\.1\n$/);
  });

  it('shows control characters of names as their codes', () => {
    expect(rendered({ sites: [{ ...site, id: '0.mlp\u001b[2J' }] })).toContain('0.mlp\\u001b[2J');
  });
});
