import type { Graph } from '../graph/graph.js';

/** Turns initializers that lie on disk into inputs of the same type and shape: a graph to look at, not to run. */
export function addWeightsAsInputs(graph: Graph): { modified: boolean } {
  const onDisk = graph.initializers.filter(({ tensor }) => tensor?.span && !tensor.rawData);
  for (const value of onDisk) {
    graph.initializers.splice(graph.initializers.indexOf(value), 1);
    value.tensor = null;
    if (!graph.inputs.includes(value)) graph.inputs.push(value);
  }
  return { modified: onDisk.length > 0 };
}
