import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allNodes,
  producersOf,
  reachableBackward,
  reachableForward,
  readsOf,
  topologicalOrder,
} from '../../src/graph/traversal.js';
import { buildGraphModel, type NodeSpec } from '../build.js';
import { nodeNamed, valueNamed } from './build-graph.js';

const { graph } = buildGraphModel({
  inputs: { c: ['bool', []], x: ['float32', [2]] },
  nodes: [
    ['Relu', ['x'], ['r'], {}, { name: 'relu' }],
    ['Neg', ['x'], ['n'], {}, { name: 'neg' }],
    ['Not', ['c'], ['d'], {}, { name: 'not' }],
    [
      'If',
      ['d'],
      ['y'],
      {
        then_branch: {
          nodes: [
            ['Abs', ['r'], ['a'], {}, { name: 'abs' }],
            ['Exp', ['a'], ['e'], {}, { name: 'exp' }],
          ],
          outputs: ['e'],
        },
        else_branch: { nodes: [['Sin', ['x'], ['e'], {}, { name: 'sin' }]], outputs: ['e'] },
      },
      { name: 'if' },
    ],
    ['Add', ['y', 'n'], ['z'], {}, { name: 'add' }],
  ],
  outputs: ['z'],
});
const names = (nodes: Iterable<{ name: string }>) => [...nodes].map((node) => node.name).sort();

describe('traversal', () => {
  it('counts what nested graphs take from around them as inputs of their owner', () => {
    expect(readsOf(nodeNamed(graph, 'if')).map((value) => value.name)).toEqual(['d', 'r', 'x']);
    expect(names(producersOf(nodeNamed(graph, 'if')))).toEqual(['not', 'relu']);
  });

  it('reaches backwards everything a value depends on, and nothing else', () => {
    expect(names(reachableBackward([valueNamed(graph, 'z')]))).toEqual(['add', 'if', 'neg', 'not', 'relu']);
    expect(names(reachableBackward([valueNamed(graph, 'n')]))).toEqual(['neg']);
    expect(names(reachableBackward([valueNamed(graph, 'x')]))).toEqual([]);
  });

  it('reaches from inside a nested graph its owner and what that needs', () => {
    expect(names(reachableBackward([valueNamed(graph, 'a')]))).toEqual(['abs', 'if', 'not', 'relu']);
  });

  it('reaches forwards through nested graphs', () => {
    expect(names(reachableForward([valueNamed(graph, 'r')]))).toEqual(['abs', 'add', 'exp', 'if']);
    expect(names(reachableForward([valueNamed(graph, 'n')]))).toEqual(['add']);
  });

  it('visits the nodes of nested graphs', () => {
    expect(names(allNodes(graph))).toEqual(['abs', 'add', 'exp', 'if', 'neg', 'not', 'relu', 'sin']);
  });

  it('orders any acyclic graph so that each node stands behind what it reads', () => {
    // Node i reads values of lower numbers only; the file has them shuffled.
    const spec = fc
      .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 20 })
      .chain((reads) =>
        fc.shuffledSubarray(
          reads.map(
            (list, i): NodeSpec => [
              'Sum',
              list.map((n) => (n % (i + 1) === 0 ? 'x' : `v${n % (i + 1)}`)),
              [`v${i + 1}`],
            ],
          ),
          { minLength: reads.length },
        ),
      );
    fc.assert(
      fc.property(spec, (nodes) => {
        const model = buildGraphModel({ inputs: { x: ['float32', [2]] }, nodes, outputs: [] });
        const order = topologicalOrder(model.graph);
        expect(new Set(order)).toEqual(model.graph.nodes);
        for (const [i, node] of order.entries()) {
          for (const producer of producersOf(node)) expect(order.indexOf(producer)).toBeLessThan(i);
        }
      }),
    );
  });
});
