import { describe, expect, it } from 'vitest';
import { readActivations } from '../../../src/repair/swap/activation.js';

const labels = (names: string[], alpha?: number) => readActivations(names, alpha).map(({ label }) => label);

describe('readActivations', () => {
  it.each([
    ['leaky_relu', 'leaky_relu'],
    ['leakyrelu', 'leaky_relu'],
    ['leaky-relu', 'leaky_relu'],
    ['LeakyReLU', 'leaky_relu'],
    ['swish', 'silu'],
    ['SiLU', 'silu'],
    ['gelu_new', 'gelu_tanh'],
    ['ELU', 'elu'],
  ])('knows `%s` as `%s`', (typed, label) => {
    expect(labels([typed])).toEqual([label]);
  });

  it('reads a parameter behind the name, which counts before the one for all', () => {
    expect(readActivations(['leaky_relu:0.8', 'elu', 'relu'], 2)).toEqual([
      { name: 'leaky_relu', alpha: 0.8, label: 'leaky_relu(0.8)' },
      { name: 'elu', alpha: 2, label: 'elu' },
      { name: 'relu', alpha: null, label: 'relu' },
    ]);
  });

  it('names each function once, and one function for each parameter', () => {
    expect(labels(['silu', 'swish', 'elu:1', 'elu:2', 'elu: 2'])).toEqual(['silu', 'elu(1)', 'elu(2)']);
  });

  it.each<[string[], number | undefined, RegExp]>([
    [[], undefined, /Expected `to` to be some of relu, .*got nothing/],
    [['swoosh'], undefined, /got `swoosh`/],
    [['geluu'], undefined, /Did you mean `gelu`/],
    [['relu:1'], undefined, /`relu` without a number, got `relu:1`/],
    [['elu:'], undefined, /`elu` with a number, as in `elu:0.5`, got `elu:`/],
    [['elu:x'], undefined, /`elu` with a number/],
    [['relu'], 0.1, /`alpha` is of leaky_relu and elu: name one of them in `to`/],
  ])('refuses %j with %s', (names, alpha, message) => {
    expect(() => readActivations(names, alpha)).toThrow(message);
  });
});
