import type { Graph } from '../graph/graph.js';

/**
 * Turns initializers that lie on disk into inputs of the same type and shape: a graph to look at, not to run.
 */
export function addWeightsAsInputs(graph: Graph): { modified: boolean } {
  const onDisk = graph.initializers.filter(({ tensor }) => tensor?.span && !tensor.rawData);
  for (const value of onDisk) value.tensor = null;
  const kept = graph.initializers.splice(0).filter(({ tensor }) => tensor);
  for (const value of kept) graph.initializers.push(value);
  graph.setInputs([...new Set([...graph.inputs, ...onDisk])]);
  return { modified: onDisk.length > 0 };
}
