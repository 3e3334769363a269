import type { Graph } from '../graph/graph.js';
import { pruneUnused } from './prune-unused.js';

/** Operators whose results are no tensors, and so have no shape. */
const noTensor = /^(Sequence|SplitToSequence|ConcatFromSequence|Optional|ZipMap)/;

/**
 * Replaces a graph's outputs by the shapes of all its computed tensors, int64 [rank] each.
 *
 * @returns Name of the output → name of the tensor.
 */
export function addShapeProbes(graph: Graph): Map<string, string> {
  const values = [...graph.nodes].flatMap((node) =>
    noTensor.test(node.opType) || node.is('Constant') ? [] : node.outputs.filter((value) => value !== null),
  );
  graph.setOutputs([]);
  const names = new Map<string, string>();
  for (const value of values) {
    const shape = graph.addNode({
      opType: 'Shape',
      inputs: [value],
      name: `audit/shape/${value.name}`,
    }).output;
    graph.addOutput(shape);
    names.set(shape.name, value.name);
  }
  pruneUnused(graph);
  return names;
}
