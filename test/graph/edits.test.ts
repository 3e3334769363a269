import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floatAttribute, intsAttribute } from '../../src/graph/attributes.js';
import {
  removeInitializers,
  removeNodes,
  removeUnread,
  replaceUses,
  setInput,
} from '../../src/graph/edits.js';
import type { Graph } from '../../src/graph/graph.js';
import type { Model } from '../../src/graph/model.js';
import { Names } from '../../src/graph/names.js';
import { toOnnx } from '../../src/graph/to-onnx.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { buildGraphModel, tensor } from '../build.js';
import { nodeNamed, valueNamed } from './build-graph.js';

const small = (): Model =>
  buildGraphModel({
    inputs: { c: ['bool', []], x: ['float32', [2]] },
    initializers: { w: ['float32', [2], 1] },
    nodes: [
      ['Add', ['x', 'w'], ['a'], {}, { name: 'add' }],
      ['Relu', ['a'], ['r'], {}, { name: 'relu' }],
      [
        'If',
        ['c'],
        ['y'],
        {
          then_branch: { nodes: [['Neg', ['r'], ['t'], {}, { name: 'neg' }]], outputs: ['t'] },
          else_branch: { nodes: [['Abs', ['r'], ['t'], {}, { name: 'abs' }]], outputs: ['t'] },
        },
        { name: 'if' },
      ],
    ],
    outputs: ['y', 'a'],
  });
const bytes = ({ graph, ...rest }: Model) => encodeModel(toOnnx({ graph, ...rest }));
const uses = (model: Model, name: string) =>
  valueNamed(model.graph, name).uses.map(({ node, index }) => `${node.name}:${index}`);

/** An edit that throws leaves the file it would be written to, and every use, as they were. */
function expectRefused(model: Model, edit: () => void, message: RegExp): void {
  const before = [bytes(model), ...['x', 'w', 'a', 'r', 't'].map((name) => uses(model, name))];
  expect(edit).toThrow(message);
  expect([bytes(model), ...['x', 'w', 'a', 'r', 't'].map((name) => uses(model, name))]).toEqual(before);
}

describe('an edit', () => {
  it('adds nodes, initializers, inputs and outputs under names that nothing has', () => {
    const model = small();
    const { graph } = model;
    const scale = graph.addInitializer(tensor('float32', [], 2, 'w'));
    const node = graph.addNode({
      opType: 'Mul',
      inputs: [valueNamed(graph, 'r'), scale],
      outputs: ['r'],
      name: 'relu',
      attributes: { a: floatAttribute(1), b: intsAttribute([1]) },
    });
    graph.addOutput(node.output);
    expect([scale.name, node.name, node.output.name]).toEqual(['w_1', 'relu_1', 'r_1']);
    expect(graph.addInput('x', null).name).toBe('x_1');
    expect(toOnnx(model).graph!.node.map((one) => one.name)).toEqual(['add', 'relu', 'if', 'relu_1']);
    expect(uses(model, 'r')).toEqual(['neg:0', 'abs:0', 'relu_1:0']);
  });

  it('moves readers in nested graphs and outputs to another value', () => {
    const model = small();
    const { graph } = model;
    const b = graph.addNode({ opType: 'Neg', inputs: [valueNamed(graph, 'x')], outputs: ['b'] }).output;
    replaceUses(valueNamed(graph, 'r'), b);
    expect(uses(model, 'r')).toEqual([]);
    expect(uses(model, 'b')).toEqual(['neg:0', 'abs:0']);
    replaceUses(valueNamed(graph, 'a'), b);
    expect(graph.outputs.map((value) => value.name)).toEqual(['y', 'b']);
    // The order of the file follows.
    expect(toOnnx(model).graph!.node.map((node) => node.opType)).toEqual(['Add', 'Neg', 'Relu', 'If']);
  });

  it('removes a node with its nested graphs, and their uses with it', () => {
    const model = small();
    const { graph } = model;
    replaceUses(valueNamed(graph, 'y'), valueNamed(graph, 'r'));
    removeNodes(graph, [nodeNamed(graph, 'if')]);
    expect(uses(model, 'r')).toEqual([]);
    expect(uses(model, 'c')).toEqual([]);
  });

  it('removes what nothing reads, and upstream what only that has read', () => {
    const model = small();
    const { graph } = model;
    replaceUses(valueNamed(graph, 'y'), valueNamed(graph, 'a'));
    removeUnread(graph, [nodeNamed(graph, 'if')]);
    expect([...graph.nodes].map(({ name }) => name)).toEqual(['add']);
    expect(graph.initializers.map(({ name }) => name)).toEqual(['w']);
    graph.setOutputs([]);
    removeUnread(graph, graph.nodes, ({ opType }) => opType !== 'Add');
    expect(graph.nodes.size).toBe(1);
    removeUnread(graph, graph.nodes);
    expect([graph.nodes.size, graph.initializers.length, graph.inputs.length]).toEqual([0, 0, 2]);
  });

  it('removes a chain of 20,000 nodes, all readers of one value, in linear time', () => {
    const { graph } = small();
    const x = valueNamed(graph, 'x');
    let last = x;
    for (let i = 0; i < 20_000; i++) last = graph.addNode({ opType: 'Add', inputs: [last, x] }).output;
    const begun = performance.now();
    replaceUses(last, x);
    removeUnread(graph, [last.producer!]);
    expect(graph.nodes.size).toBe(3);
    expect(x.uses.length).toBe(1);
    // Far more than it takes on a busy machine.
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('that is refused changes nothing', () => {
    const model = small();
    const { graph } = model;
    const t = valueNamed(graph, 't');
    const foreign = small().graph.inputs[1]!;
    expectRefused(model, () => removeNodes(graph, [nodeNamed(graph, 'relu')]), /r is still read/);
    expectRefused(model, () => removeNodes(graph, [nodeNamed(graph, 'neg')]), /is not in graph/);
    expectRefused(model, () => removeInitializers(graph, [valueNamed(graph, 'w')]), /still read/);
    expectRefused(
      model,
      () => removeInitializers(graph, [valueNamed(graph, 'x')]),
      /still read|no initializer/,
    );
    expectRefused(model, () => graph.addNode({ opType: 'Neg', inputs: [t] }), /not visible/);
    expectRefused(
      model,
      () => graph.addNode({ opType: 'Neg', inputs: [valueNamed(graph, 'x'), foreign] }),
      /not visible/,
    );
    expectRefused(model, () => setInput(nodeNamed(graph, 'add'), 0, t), /not visible/);
    expectRefused(model, () => setInput(nodeNamed(graph, 'add'), 2, null), /no input 2/);
    expectRefused(model, () => replaceUses(valueNamed(graph, 'a'), t), /not visible/);
    expectRefused(model, () => graph.addOutput(t), /another graph/);
  });

  it('that makes a cycle is found when the model is written', () => {
    const { graph, ...rest } = small();
    setInput(nodeNamed(graph, 'add'), 0, valueNamed(graph, 'r'));
    expect(() => toOnnx({ graph, ...rest })).toThrow(/wait for each other/);
  });
});

describe('names', () => {
  it('never repeat, whatever hints and taken names come', () => {
    const hint = fc.constantFrom('a', 'a_1', 'a_1_1', 'b', 'a_2');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), hint)), (steps) => {
        const names = new Names();
        const all = new Set<string>();
        for (const [take, name] of steps) {
          if (take) {
            names.take(name);
            all.add(name);
            continue;
          }
          const fresh = names.fresh(name);
          expect(all.has(fresh)).toBe(false);
          expect(fresh.startsWith(name)).toBe(true);
          all.add(fresh);
        }
      }),
    );
  });

  it('are shared by a graph and those nested in it', () => {
    const { graph } = small();
    const nested = nodeNamed(graph, 'if').subgraphs[0] as Graph;
    expect(nested.addInitializer(tensor('float32', [], 1, 'x')).name).toBe('x_1');
    expect(graph.addInput('x', null).name).toBe('x_2');
  });
});
