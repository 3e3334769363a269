import { describe, expect, it } from 'vitest';
import type { Node } from '../../src/graph/graph.js';
import { microsoft } from '../../src/graph/operators/microsoft.js';
import { standard } from '../../src/graph/operators/standard.js';
import { keepsNeurons, operandCount, operatorOf, passesNumbers } from '../../src/graph/operators.js';
import { type AttributeSpec, buildGraphModel } from '../build.js';

function nodeOf(
  opType: string,
  attributes: Record<string, AttributeSpec> = {},
  domain = '',
  inputs = 2,
): Node {
  const names = ['x', 'a', 'b'].slice(0, inputs);
  const { graph } = buildGraphModel({
    inputs: { x: ['float32', ['n', 4]] },
    initializers: { a: ['float32', [4], 1], b: ['float32', [4], 1] },
    nodes: [[opType, names, ['y'], attributes, { domain }]],
    outputs: ['y'],
    opsets: { 'com.microsoft': 1 },
  });
  return [...graph.nodes][0]!;
}

describe('the table of operators', () => {
  it('knows an operator by its domain', () => {
    expect(operatorOf(nodeOf('QuickGelu'))).toEqual({});
    expect(operatorOf(nodeOf('QuickGelu', {}, 'com.microsoft')).formula).toBeDefined();
    expect(operatorOf(nodeOf('MatMul', {}, 'toString'))).toEqual({});
    expect(operatorOf(nodeOf('constructor'))).toEqual({});
  });

  it('says which input passes, keeps or mixes', () => {
    const reshape = nodeOf('Reshape');
    expect([passesNumbers(reshape), passesNumbers(reshape, 1)]).toEqual([true, false]);
    const scatter = nodeOf('ScatterND', {}, '', 3);
    expect([0, 1, 2].map((input) => keepsNeurons(scatter, input))).toEqual([true, false, true]);
    expect(keepsNeurons(nodeOf('Relu', {}, '', 1))).toBe(true);
    expect(keepsNeurons(nodeOf('MatMul'))).toBe(false);
    expect(keepsNeurons(nodeOf('Softmax', {}, '', 1))).toBe(false);
  });

  it('counts the operands of a formula, without scales and seeds', () => {
    expect(operandCount(nodeOf('QuantizeLinear', {}, '', 3))).toBe(1);
    expect(operandCount(nodeOf('Where', {}, '', 3))).toBe(3);
  });

  it('reads the axes of a weight off the attributes', () => {
    const axes = (node: Node) => {
      const { weight } = operatorOf(node);
      return [weight!.outAxis(node), weight!.inAxis(node)];
    };
    expect(axes(nodeOf('Gemm'))).toEqual([-1, -2]);
    expect(axes(nodeOf('Gemm', { transB: 1 }))).toEqual([-2, -1]);
    expect(axes(nodeOf('Conv'))).toEqual([0, 1]);
  });

  it.each<[string, Record<string, AttributeSpec>, number, number]>([
    ['HardSigmoid', {}, 1, 0.7],
    ['HardSigmoid', { alpha: 0.25 }, 1, 0.75],
    ['LeakyRelu', {}, -2, -0.02],
    ['Elu', { alpha: 0.5 }, -1, 0.5 * Math.expm1(-1)],
    ['Round', {}, 2.5, 2],
    ['Gelu', { approximate: 'tanh' }, 1, 0.8411919906],
  ])('computes %s %o of %d', (opType, attributes, t, expected) => {
    const node = nodeOf(opType, attributes, '', 1);
    expect(operatorOf(node).formula!([t], node)).toBeCloseTo(expected, 6);
  });

  it('never claims two things of one input', () => {
    for (const [name, row] of [...Object.entries(standard), ...Object.entries(microsoft)]) {
      const claims = [...(row.passes ?? []), ...(row.keeps ?? [])];
      expect(new Set(claims).size, name).toBe(claims.length);
      if (row.weight) expect(row.formula ?? row.passes ?? row.keeps, name).toBeUndefined();
    }
  });
});
