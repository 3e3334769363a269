import type { Graph, Node, Value } from './graph.js';
import { readsOf } from './order.js';

export { readsOf, topologicalOrder } from './order.js';

/** The nodes that compute what a node reads, captures of its nested graphs included; each once. */
export function producersOf(node: Node): Node[] {
  return [...new Set(readsOf(node).flatMap(({ producer }) => (producer ? [producer] : [])))];
}

/**
 * Returns every node that the values depend on. For a value inside a nested graph the node that owns the
 * graph counts, and what that reads; for a node with nested graphs all that they take from around them. The
 * nodes inside a nested graph count only when one of the values lies in it.
 */
export function reachableBackward(values: Iterable<Value>): Set<Node> {
  const reached = new Set<Node>();
  const open: Node[] = [];
  const add = (node: Node | null): void => {
    if (!node || reached.has(node)) return;
    reached.add(node);
    open.push(node);
  };
  const start = (value: Value): void => {
    add(value.producer);
    add(value.graph.owner);
  };
  for (const value of values) start(value);
  for (let node = open.pop(); node; node = open.pop()) {
    for (const value of readsOf(node)) start(value);
  }
  return reached;
}

/** Returns every node that depends on the values, the owners of nested graphs that read them included. */
export function reachableForward(values: Iterable<Value>): Set<Node> {
  const reached = new Set<Node>();
  const open = [...values];
  for (let value = open.pop(); value; value = open.pop()) {
    for (const { node } of value.uses) {
      for (let at: Node | null = node; at; at = at.graph.owner) {
        if (reached.has(at)) break;
        reached.add(at);
        for (const output of at.outputs) if (output) open.push(output);
      }
    }
  }
  return reached;
}

/** A graph and all graphs nested in it, outermost first. */
export function* allGraphs(graph: Graph): Generator<Graph> {
  yield graph;
  for (const node of graph.nodes) for (const nested of node.subgraphs) yield* allGraphs(nested);
}

/** Every node of a graph and of the graphs nested in it. */
export function* allNodes(graph: Graph): Generator<Node> {
  for (const one of allGraphs(graph)) yield* one.nodes;
}
