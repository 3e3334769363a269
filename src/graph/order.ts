import { UserError } from '../errors.js';
import type { Graph, Node, Value } from './graph.js';

/**
 * Returns the nodes of a graph so that each stands after those it reads from, captures of its nested graphs
 * included; otherwise in their present order. O(nodes + inputs), and O(log nodes) more for each node if the
 * order changes.
 *
 * @throws UserError naming the nodes when some wait for each other.
 */
export function topologicalOrder(graph: Graph): Node[] {
  return isOrdered(graph) ? [...graph.nodes] : reordered(graph);
}

function isOrdered(graph: Graph): boolean {
  const done = new Set<Node>();
  for (const node of graph.nodes) {
    for (const { producer } of readsOf(node)) {
      if (producer && producer.graph === graph && !done.has(producer)) return false;
    }
    done.add(node);
  }
  return true;
}

function reordered(graph: Graph): Node[] {
  const position = new Map([...graph.nodes].map((node, i) => [node, i]));
  const waiting = new Map<Node, number>();
  const readers = new Map<Node, Node[]>();
  for (const node of graph.nodes) {
    const producers = new Set(
      readsOf(node).flatMap(({ producer }) => (producer && position.has(producer) ? [producer] : [])),
    );
    waiting.set(node, producers.size);
    for (const producer of producers) {
      const list = readers.get(producer);
      if (list) list.push(node);
      else readers.set(producer, [node]);
    }
  }
  const order: Node[] = [];
  const ready = new Heap<Node>((node) => position.get(node)!);
  for (const node of graph.nodes) if (waiting.get(node) === 0) ready.push(node);
  for (let node = ready.pop(); node; node = ready.pop()) {
    order.push(node);
    for (const reader of readers.get(node) ?? []) {
      const left = waiting.get(reader)! - 1;
      waiting.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  if (order.length < graph.nodes.size) throw cycle(graph, new Set(order));
  return order;
}

/**
 * Returns what a node reads: its inputs, and what its nested graphs take from around them. Each value once.
 */
export function readsOf(node: Node): Value[] {
  const { subgraphs } = node;
  const values = new Set<Value>();
  for (const input of node.inputs) if (input) values.add(input);
  if (subgraphs.length === 0) return [...values];
  const inside = new Set<Graph>();
  const visit = (graph: Graph): void => {
    inside.add(graph);
    for (const nested of graph.nodes) {
      for (const input of nested.inputs) if (input && !inside.has(input.graph)) values.add(input);
      for (const deeper of nested.subgraphs) visit(deeper);
    }
  };
  for (const graph of subgraphs) visit(graph);
  return [...values];
}

function cycle(graph: Graph, ordered: Set<Node>): UserError {
  // Walk upstream through unordered nodes until one comes again: that closes a cycle.
  let node = [...graph.nodes].find((candidate) => !ordered.has(candidate))!;
  const seen = new Set<Node>();
  while (!seen.has(node)) {
    seen.add(node);
    node = readsOf(node).flatMap(({ producer }) =>
      producer && producer.graph === graph && !ordered.has(producer) ? [producer] : [],
    )[0]!;
  }
  const path = [...seen];
  const loop = path.slice(path.indexOf(node)).reverse();
  const names = loop
    .slice(0, 5)
    .map(({ opType, name, outputs }) => `${opType} \`${name}\` (\`${outputs[0]?.name ?? ''}\`)`);
  return new UserError(
    `Nodes of graph \`${graph.name}\` wait for each other: ${names.join(' → ')}${loop.length > 5 ? ' → …' : ''}; expected a graph without cycles.`,
    'graph-cycle',
  );
}

/** A binary heap: the item with the lowest key comes first. */
class Heap<T> {
  readonly #items: T[] = [];

  constructor(readonly key: (item: T) => number) {}

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.key(items[parent]!) <= this.key(item)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.key(items[child + 1]!) < this.key(items[child]!)) child++;
      if (this.key(items[child]!) >= this.key(last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return first;
  }
}
