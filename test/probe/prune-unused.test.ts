import { describe, expect, it } from 'vitest';
import { pruneUnused } from '../../src/probe/prune-unused.js';
import { buildGraphModel, type GraphSpec } from '../build.js';
import { computed } from './run-graph.js';

const model = () =>
  buildGraphModel({
    inputs: { x: ['float32', ['n']], unused: ['float32', ['n']] },
    initializers: { w: ['float32', [1], 1], v: ['float32', [1], 1] },
    nodes: [
      ['Add', ['x', 'w'], ['a']],
      ['Add', ['a', 'v'], ['b']],
      ['Relu', ['b'], ['c']],
    ],
    outputs: ['c'],
  });

describe('pruneUnused', () => {
  it('drops nodes, weights and inputs that no output depends on', () => {
    const { graph, ...rest } = model();
    graph.setOutputs([computed({ graph, ...rest }, 'a')]);
    expect(pruneUnused(graph)).toEqual({ modified: true, removedNodes: 2 });
    expect([...graph.nodes].map(({ opType }) => opType)).toEqual(['Add']);
    expect([...graph.initializers].map(({ name }) => name)).toEqual(['w']);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
  });

  it('changes nothing the second time', () => {
    const { graph } = model();
    expect(pruneUnused(graph)).toEqual({ modified: true, removedNodes: 0 });
    expect(pruneUnused(graph)).toEqual({ modified: false, removedNodes: 0 });
  });

  it('keeps what a nested graph reads from around it', () => {
    const branch = (output: string): GraphSpec => ({
      nodes: [['Relu', ['a'], [output]]],
      outputs: [output],
    });
    const { graph } = buildGraphModel({
      inputs: { x: ['float32', ['n']], choice: ['bool', []] },
      nodes: [
        ['Neg', ['x'], ['a']],
        ['If', ['choice'], ['y'], { then_branch: branch('yes'), else_branch: branch('no') }],
      ],
      outputs: ['y'],
    });
    expect(pruneUnused(graph)).toEqual({ modified: false, removedNodes: 0 });
  });

  it('keeps an input or a weight that is itself an output', () => {
    const { graph } = model();
    graph.setOutputs([graph.inputs[1]!, [...graph.initializers].find(({ name }) => name === 'w')!]);
    expect(pruneUnused(graph).removedNodes).toBe(3);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['unused']);
    expect([...graph.initializers].map(({ name }) => name)).toEqual(['w']);
  });
});
