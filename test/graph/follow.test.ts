import { describe, expect, it } from 'vitest';
import { follow, followWith, keeping, passing, unmoved } from '../../src/graph/follow.js';
import type { Graph, Value } from '../../src/graph/graph.js';
import { buildGraphModel, type NodeSpec } from '../build.js';

/** x → nodes → y, with a weight `w` and a shape `s`. */
function graphOf(nodes: NodeSpec[]): Graph {
  return buildGraphModel({
    inputs: { x: ['float32', ['b', 4]] },
    initializers: { w: ['float32', [4, 4], 1], s: ['int64', [2], [2, -1]] },
    nodes,
    outputs: ['y'],
  }).graph;
}

function valueNamed(graph: Graph, name: string): Value {
  const values = [...graph.inputs, ...[...graph.nodes].flatMap((node) => node.outputs)];
  return values.find((value) => value?.name === name)!;
}

const names = (walk: Iterable<Value>): string[] => [...walk].map(({ name }) => name);

describe('follow', () => {
  const diamond = graphOf([
    ['Relu', ['x'], ['a']],
    ['Neg', ['a'], ['b']],
    ['Exp', ['b'], ['c']],
    ['Mul', ['a', 'c'], ['y']],
  ]);

  it('reaches every value once, the nearest first, in both directions', () => {
    expect(names(follow(valueNamed(diamond, 'x'), 'downstream', () => true))).toEqual([
      'x',
      'a',
      'b',
      'y',
      'c',
    ]);
    expect(names(follow(valueNamed(diamond, 'y'), 'upstream', () => true))).toEqual([
      'y',
      'a',
      'c',
      'x',
      'b',
    ]);
  });

  it('crosses no more nodes than the limit', () => {
    expect(names(follow(valueNamed(diamond, 'x'), 'downstream', () => true, 1))).toEqual(['x', 'a']);
  });

  it('tells `through` both ends of the step, and what was reached before', () => {
    const steps: string[] = [];
    const walk = follow(
      valueNamed(diamond, 'x'),
      'downstream',
      ({ node, input, output, from, to }, reached) => {
        steps.push(`${from.name} ${node.opType} ${input} ${output} ${to.name} ${reached.size}`);
        return true;
      },
    );
    expect(names(walk)).toHaveLength(5);
    expect(steps.slice(0, 3)).toEqual(['x Relu 0 0 a 1', 'a Neg 0 0 b 2', 'a Mul 0 0 y 3']);
  });

  it('ends where the loop ends, in a graph of 100,000 nodes', () => {
    const long = graphOf(
      Array.from(
        { length: 100_000 },
        (_, i): NodeSpec => ['Identity', [i === 0 ? 'x' : `v${i}`], [i === 99_999 ? 'y' : `v${i + 1}`]],
      ),
    );
    let steps = 0;
    for (const value of follow(valueNamed(long, 'x'), 'downstream', () => ++steps > 0)) {
      if (value.name === 'v3') break;
    }
    expect(steps).toBe(3);
    expect(names(follow(valueNamed(long, 'x'), 'downstream', () => true, Infinity))).toHaveLength(4096);
  });

  it('carries a state along the way', () => {
    const walk = followWith(valueNamed(diamond, 'x'), 'downstream', '', ({ node }, path) => ({
      state: `${path}/${node.opType}`,
    }));
    expect([...walk].find(({ value }) => value.name === 'y')?.state).toBe('/Relu/Mul');
  });
});

describe('the ways that the table of operators allows', () => {
  const graph = graphOf([
    ['Dropout', ['x'], ['d', 'mask']],
    ['Reshape', ['d', 's'], ['r']],
    ['Cast', ['r'], ['t'], { to: 1 }],
    ['Relu', ['t'], ['k']],
    ['MatMul', ['k', 'w'], ['y']],
  ]);

  it('pass moved numbers', () => {
    expect(names(follow(valueNamed(graph, 'x'), 'downstream', passing))).toEqual(['x', 'd', 'r', 't']);
    expect(unmoved(valueNamed(graph, 't')).name).toBe('x');
    expect(unmoved(valueNamed(graph, 'k')).name).toBe('k');
  });

  it('keep neurons, until a weight mixes them', () => {
    expect(names(follow(valueNamed(graph, 'x'), 'downstream', keeping))).toEqual(['x', 'd', 'r', 't', 'k']);
  });
});
