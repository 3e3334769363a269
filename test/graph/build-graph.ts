import type { Graph, Node, Value } from '../../src/graph/graph.js';

/** The value of this name in a graph itself, or of those nested in it. */
export function valueNamed(graph: Graph, name: string): Value {
  const all = [
    ...graph.inputs,
    ...graph.initializers,
    ...[...graph.nodes].flatMap((node) => node.outputs.filter((value) => value !== null)),
    // Sparse initializers stand in no list: what reads them knows them.
    ...[...graph.nodes].flatMap((node) => node.inputs.filter((value) => value !== null)),
  ];
  const found = all.find((value) => value.name === name);
  if (found) return found;
  for (const node of graph.nodes) {
    for (const nested of node.subgraphs) {
      try {
        return valueNamed(nested, name);
      } catch {
        // In another one, then.
      }
    }
  }
  throw new Error(`no value ${name}`);
}

/** The node of this name in a graph or in those nested in it. */
export function nodeNamed(graph: Graph, name: string): Node {
  for (const node of graph.nodes) {
    if (node.name === name) return node;
    for (const nested of node.subgraphs) {
      const inside = [...nested.nodes].find((one) => one.name === name);
      if (inside) return inside;
    }
  }
  throw new Error(`no node ${name}`);
}
