import type { Graph } from '../graph/graph.js';
import { reachableBackward } from '../graph/traversal.js';

/** Drops every node, initializer and input that no output depends on; says how many nodes went. */
export function pruneUnused(graph: Graph): { modified: boolean; removedNodes: number } {
  const needed = reachableBackward(graph.outputs);
  const unused = [...graph.nodes].filter((node) => !needed.has(node));
  let waiting = unused;
  while (waiting.length > 0) {
    const blocked = waiting.filter((node) => {
      const read = node.outputs.some((output) => output && output.uses.length > 0);
      if (!read) graph.removeNode(node);
      return read;
    });
    if (blocked.length === waiting.length) throw new Error(`pruning stopped at ${blocked[0]?.name}: a cycle`);
    waiting = blocked;
  }
  for (const value of [...graph.initializers]) {
    if (value.uses.length === 0 && !graph.outputs.includes(value)) graph.removeInitializer(value);
  }
  const inputs = graph.inputs.filter((value) => value.uses.length > 0 || graph.outputs.includes(value));
  const modified = unused.length > 0 || inputs.length < graph.inputs.length;
  graph.inputs.splice(0, graph.inputs.length, ...inputs);
  return { modified, removedNodes: unused.length };
}
