import { describe, expect, it } from 'vitest';
import { activationBytes } from '../../src/probe/activation-bytes.js';
import type { Site } from '../../src/sites/types.js';
import { buildGraphModel, type NodeSpec } from '../build.js';

/** 100 elements each, and so 400 bytes. */
const hundred = (...names: string[]): Map<string, number[]> => new Map(names.map((name) => [name, [4, 25]]));

function bytes(
  nodes: NodeSpec[],
  outputs: string[],
  shapes: Map<string, number[]>,
  sites: string[] = [],
): ReturnType<typeof activationBytes> {
  const { graph } = buildGraphModel({ inputs: { x: ['float32', ['n', 25]] }, nodes, outputs });
  const read = [...graph.nodes].flatMap(({ outputs }) =>
    outputs.flatMap((value) => (value && sites.includes(value.name) ? [{ value } as Site] : [])),
  );
  return activationBytes(graph, read, shapes);
}

describe('the memory of a run', () => {
  it('is two tensors in a chain: one is read, one is written', () => {
    const chain: NodeSpec[] = [
      ['Relu', ['x'], ['a']],
      ['Relu', ['a'], ['b']],
      ['Relu', ['b'], ['c']],
      ['Relu', ['c'], ['d']],
    ];
    expect(bytes(chain, ['d'], hundred('a', 'b', 'c', 'd'))).toEqual({ liveBytes: 800, binBytes: 0 });
  });

  it('holds what a later node reads', () => {
    const skip: NodeSpec[] = [
      ['Relu', ['x'], ['a']],
      ['Relu', ['a'], ['b']],
      ['Relu', ['b'], ['c']],
      ['Add', ['a', 'c'], ['d']],
    ];
    expect(bytes(skip, ['d'], hundred('a', 'b', 'c', 'd')).liveBytes).toBe(1200);
  });

  it('holds a tensor as long as its views are read, and counts it once', () => {
    const views: NodeSpec[] = [
      ['Relu', ['x'], ['a']],
      ['Identity', ['a'], ['b']],
      ['Flatten', ['b'], ['c']],
      ['Relu', ['c'], ['d']],
    ];
    expect(bytes(views, ['d'], hundred('a', 'b', 'c', 'd')).liveBytes).toBe(800);
  });

  it('holds outputs to the end', () => {
    const twice: NodeSpec[] = [
      ['Relu', ['x'], ['a']],
      ['Relu', ['x'], ['b']],
      ['Relu', ['x'], ['c']],
    ];
    expect(bytes(twice, ['a', 'b', 'c'], hundred('a', 'b', 'c')).liveBytes).toBe(1200);
    expect(bytes(twice, ['c'], hundred('a', 'b', 'c')).liveBytes).toBe(400);
  });

  it('knows the element types that the file declares, and takes four bytes otherwise', () => {
    const { graph } = buildGraphModel({
      inputs: { x: ['float16', ['n', 25]] },
      nodes: [
        ['Relu', ['x'], ['a']],
        ['Relu', ['a'], ['b']],
      ],
      outputs: ['b'],
      valueInfo: { a: ['float16', ['n', 25]] },
    });
    expect(activationBytes(graph, [], hundred('a', 'b')).liveBytes).toBe(200 + 400);
  });

  it('adds the tensors of the probe to those of its layer, and two bytes of bins for every value of a site', () => {
    const chain: NodeSpec[] = [
      ['Relu', ['x'], ['a']],
      ['Relu', ['a'], ['b']],
    ];
    expect(bytes(chain, ['b'], hundred('a', 'b'), ['a', 'b'])).toEqual({
      liveBytes: 800 + 1300,
      binBytes: 400,
    });
  });

  it('leaves out what was not measured', () => {
    expect(bytes([['Relu', ['x'], ['a']]], ['a'], new Map()).liveBytes).toBe(0);
  });
});
