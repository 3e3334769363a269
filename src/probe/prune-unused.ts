import { removeInitializers, removeNodes } from '../graph/edits.js';
import type { Graph } from '../graph/graph.js';
import { reachableBackward } from '../graph/traversal.js';

/** Drops every node, initializer and input that no output depends on; says how many nodes went. */
export function pruneUnused(graph: Graph): { modified: boolean; removedNodes: number } {
  const needed = reachableBackward(graph.outputs);
  const unused = [...graph.nodes].filter((node) => !needed.has(node));
  removeNodes(graph, unused);
  removeInitializers(
    graph,
    graph.initializers.filter((value) => value.uses.length === 0 && !value.isOutput),
  );
  const inputs = graph.inputs.filter((value) => value.uses.length > 0 || value.isOutput);
  const modified = unused.length > 0 || inputs.length < graph.inputs.length;
  graph.setInputs(inputs);
  return { modified, removedNodes: unused.length };
}
