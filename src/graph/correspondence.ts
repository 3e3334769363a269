import { type Graph, Node, Value } from './graph.js';

/**
 * Each value, node and graph of one graph, with its counterpart in another graph read from the same message.
 */
export type Correspondence = ReadonlyMap<object, object>;

/**
 * Pairs two graphs that were read from the same message, nested graphs included. Neither graph may have been
 * edited.
 *
 * O(nodes + values).
 */
export function correspondence(from: Graph, to: Graph): Correspondence {
  const pairs = new Map<object, object>();
  pairGraphs(from, to, pairs);
  return pairs;
}

function pairGraphs(from: Graph, to: Graph, pairs: Map<object, object>): void {
  pairs.set(from, to);
  pairAll(from.inputs, to.inputs, pairs);
  pairAll(from.initializers, to.initializers, pairs);
  const counterparts = to.nodes.values();
  for (const node of from.nodes) {
    const counterpart = counterparts.next().value as Node;
    pairs.set(node, counterpart);
    pairAll(node.inputs, counterpart.inputs, pairs);
    pairAll(node.outputs, counterpart.outputs, pairs);
    const nested = counterpart.subgraphs;
    for (const [i, graph] of node.subgraphs.entries()) pairGraphs(graph, nested[i]!, pairs);
  }
}

function pairAll(
  from: readonly (Value | null)[],
  to: readonly (Value | null)[],
  pairs: Map<object, object>,
): void {
  for (const [i, value] of from.entries()) if (value) pairs.set(value, to[i]!);
}

/**
 * Copies a result that was found in one graph so that it refers to the other one. Plain objects, arrays, maps
 * and sets are copied; values, nodes and graphs are replaced by their counterparts; all else is shared.
 */
export function transplant<T>(found: T, pairs: Correspondence): T {
  const copies = new Map<object, unknown>();
  const copy = (item: unknown): unknown => {
    if (typeof item !== 'object' || item === null) return item;
    const known = pairs.get(item) ?? copies.get(item);
    if (known !== undefined) return known;
    if (Array.isArray(item)) return copyInto(item, [] as unknown[], (into) => into.push(...item.map(copy)));
    if (item instanceof Map) {
      return copyInto(item, new Map(), (into) => {
        for (const [key, value] of item) into.set(copy(key), copy(value));
      });
    }
    if (item instanceof Set) {
      return copyInto(item, new Set(), (into) => {
        for (const value of item) into.add(copy(value));
      });
    }
    if (item instanceof Value || item instanceof Node || Object.getPrototypeOf(item) !== Object.prototype)
      return item;
    return copyInto(item, {} as Record<string, unknown>, (into) => {
      for (const [key, value] of Object.entries(item)) into[key] = copy(value);
    });
  };
  const copyInto = <C>(item: object, into: C, fill: (into: C) => void): C => {
    copies.set(item, into);
    fill(into);
    return into;
  };
  return copy(found) as T;
}
