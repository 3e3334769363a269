import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.js';
import { findActivations } from '../../src/patterns/activations.js';
import { findSites } from '../../src/sites/find.js';
import { rectifierNetwork } from '../../src/sites/rectifier.js';
import { buildGraphModel, type NodeSpec } from '../build.js';

/**
 * Bound of each search, in seconds of the processor, whatever else the machine does. It is generous: a search that is not
 * near-linear takes minutes, or never ends.
 */
const SECONDS = 10;
/** Just below the limit on the nodes of a model (src/onnx/limits.ts). */
const NODES = 99_000;
/** Of nodes that cost more, one by one. */
const FOUND = 20_000;

/** x → MatMul → `between`, from `a` to `z` → Relu → MatMul → y. */
function graphOf(between: NodeSpec[], more: NodeSpec[] = []): Graph {
  return buildGraphModel({
    inputs: { x: ['float32', ['b', 4]] },
    initializers: { w: ['float32', [4, 4], 0.5], one: 1, half: 0.5 },
    nodes: [
      ['MatMul', ['x', 'w'], ['a']],
      ...between,
      ['Relu', ['z'], ['r']],
      ['MatMul', ['r', 'w'], ['y']],
      ...more,
    ],
    outputs: ['y'],
  }).graph;
}

/** The operator and the inputs of node `i` of a chain, which reads `input`. */
type Step = (input: string, i: number) => [opType: string, inputs: string[]];

/** `count` nodes in a row from value `from` to value `to`. */
function chain(count: number, from: string, to: string, step: Step): NodeSpec[] {
  return Array.from({ length: count }, (_, i): NodeSpec => {
    const [opType, inputs] = step(i === 0 ? from : `${from}_${i - 1}`, i);
    return [opType, inputs, [i === count - 1 ? to : `${from}_${i}`]];
  });
}

/** softmax(…) · x, its projection, and an addition, by turns. */
function attentionStep(input: string, i: number): ReturnType<Step> {
  if (i % 4 === 0) return ['Softmax', [input]];
  return i % 4 === 3 ? ['Add', [input, 'x']] : ['MatMul', [input, i % 4 === 1 ? 'x' : 'w']];
}

function searched(graph: Graph): { ids: string[]; misses: number; seconds: number } {
  const before = process.cpuUsage();
  const found = findSites(graph);
  rectifierNetwork(graph, found);
  const seconds = process.cpuUsage(before).user / 1e6;
  return { ids: found.sites.map(({ id }) => id), misses: found.misses.length, seconds };
}

const found = ['0.mlp_pre', '0.mlp_post'];

describe('the search of a graph made to be slow ends soon', () => {
  it('with a value that is doubled twenty times before a Relu', () => {
    const doubled = graphOf(chain(20, 'a', 'z', (input) => ['Add', [input, input]]));
    expect(findActivations(doubled).matches.map(({ name, pre }) => `${name} ${pre.name}`)).toEqual([
      'relu z',
    ]);
    expect(searched(doubled).seconds).toBeLessThan(SECONDS);
  });

  it('with a value that is squared and doubled in turns', () => {
    const graph = graphOf(chain(60, 'a', 'z', (input, i) => [i % 2 ? 'Add' : 'Mul', [input, input]]));
    expect(searched(graph).seconds).toBeLessThan(SECONDS);
  });

  it.each<[string, number, Step]>([
    ['Identity nodes', NODES, (input) => ['Identity', [input]]],
    ['Casts', FOUND, (input) => ['Cast', [input]]],
    ['negations', NODES, (input) => ['Neg', [input]]],
    ['sums with a constant', FOUND, (input) => ['Add', [input, 'one']]],
    ['doublings', FOUND, (input) => ['Add', [input, input]]],
    ['rectifiers', FOUND, (input) => ['Relu', [input]]],
    ['unknown functions', FOUND, (input) => ['Sin', [input]]],
    ['gates', FOUND, (input) => ['Mul', [input, 'a']]],
    ['residual additions', FOUND, (input) => ['Add', [input, 'x']]],
    ['layers', FOUND, (input, i) => (i % 2 ? ['Relu', [input]] : ['MatMul', [input, 'w']])],
    ['softmaxes', FOUND, (input) => ['Softmax', [input]]],
    ['attentions', FOUND, (input, i) => attentionStep(input, i)],
  ])(
    'with many %s in a row',
    (_, count, step) => {
      expect(searched(graphOf(chain(count, 'a', 'z', step))).seconds).toBeLessThan(SECONDS);
    },
    120_000,
  );

  it('with 4,000 rectifiers of one value, all of which are found', () => {
    const siblings = Array.from({ length: 4000 }, (_, i): NodeSpec => ['Relu', ['a'], [`s${i}`]]);
    const graph = graphOf([...siblings, ['Identity', ['a'], ['z']]]);
    expect(findActivations(graph).matches).toHaveLength(4001);
    expect(searched(graph).seconds).toBeLessThan(SECONDS);
  });

  it.each<[string, string]>([
    ['Relu', 'rectifiers'],
    ['Identity', 'copies'],
    ['Sin', 'unknown functions'],
  ])(
    'with many %s nodes of one value',
    (opType) => {
      const count = opType === 'Identity' ? NODES : FOUND;
      const siblings = Array.from({ length: count }, (_, i): NodeSpec => [opType, ['a'], [`s${i}`]]);
      const { seconds } = searched(graphOf([...siblings, ['Identity', ['a'], ['z']]]));
      expect(seconds).toBeLessThan(SECONDS);
    },
    120_000,
  );

  it('and still finds the layer around what is short enough', () => {
    expect(searched(graphOf(chain(20, 'a', 'z', (input) => ['Identity', [input]]))).ids).toEqual(found);
  });
});
