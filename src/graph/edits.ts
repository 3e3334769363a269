import { append } from '../onnx/append.js';
import type { Graph, Node, Value } from './graph.js';

/** Makes input `index` of `node` read `value` instead. */
export function setInput(node: Node, index: number, value: Value | null): void {
  if (index < 0 || index >= node.inputs.length) {
    throw new Error(`${node.name} has ${node.inputs.length} inputs, no input ${index}`);
  }
  if (value) requireVisible(value, node);
  const before = node.inputs[index];
  if (before) before.uses = before.uses.filter((use) => use.node !== node || use.index !== index);
  node.inputs[index] = value;
  if (value) value.uses = append(value.uses, { node, index });
}

/** Makes every reader of `from` read `to` from now on, outputs of the graph included. */
export function replaceUses(from: Value, to: Value): void {
  if (from === to) return;
  for (const { node } of from.uses) requireVisible(to, node);
  if (from.isOutput && to.graph !== from.graph) {
    throw new Error(`${to.name} is not of graph ${from.graph.name}`);
  }
  for (const use of from.uses) use.node.inputs[use.index] = to;
  to.uses = [...to.uses, ...from.uses];
  from.uses = [];
  if (!from.isOutput) return;
  from.graph.setOutputs(from.graph.outputs.map((output) => (output === from ? to : output)));
}

/**
 * Removes nodes of a graph, with the graphs nested in them. O(nodes + uses of what they read).
 *
 * @throws Error when another node or an output still reads one of their outputs.
 */
export function removeNodes(graph: Graph, nodes: Iterable<Node>): void {
  const own = new Set(nodes);
  const gone = new Set<Node>();
  for (const node of own) addWithNested(gone, node);
  for (const node of own) {
    if (!graph.nodes.has(node)) throw new Error(`node ${node.name} is not in graph ${graph.name}`);
    for (const output of node.outputs) {
      if (output && (output.isOutput || output.uses.some((use) => !gone.has(use.node)))) {
        throw new Error(`node ${node.name} cannot be removed: its output ${output.name} is still read`);
      }
    }
  }
  const read = new Set([...gone].flatMap((node) => node.inputs));
  for (const value of read) {
    if (!value) continue;
    value.uses = value.uses.filter((use) => !gone.has(use.node));
  }
  for (const node of gone) node.inputs.fill(null);
  for (const node of own) graph.nodes.delete(node);
}

/**
 * Removes nodes that nothing reads, then what only they have read, and so on upstream. Initializers of the
 * graph that only they have read go, too. O(removed nodes + uses of what they read).
 *
 * @param mayGo Nodes for which this is false stay, and what they read.
 */
export function removeUnread(
  graph: Graph,
  nodes: Iterable<Node>,
  mayGo: (node: Node) => boolean = () => true,
): void {
  const gone = new Set<Node>();
  const unread = new Set<Value>();
  const left = new Map<Value, number>();
  const open = [...nodes];
  for (let node = open.pop(); node; node = open.pop()) {
    const isRead = node.outputs.some((output) => output && !isUnread(output, left));
    if (isRead || gone.has(node) || node.graph !== graph || !mayGo(node)) continue;
    gone.add(node);
    for (const value of readsWithNested(node)) {
      left.set(value, (left.get(value) ?? value.uses.length) - 1);
      if (!isUnread(value, left)) continue;
      if (value.producer) open.push(value.producer);
      else unread.add(value);
    }
  }
  removeNodes(graph, gone);
  removeInitializers(
    graph,
    [...unread].filter((value) => value.tensor && !value.isInput && value.graph === graph),
  );
}

function isUnread(value: Value, left: ReadonlyMap<Value, number>): boolean {
  return !value.isOutput && (left.get(value) ?? value.uses.length) === 0;
}

/** Yields what a node and the nodes nested in it read, once for every use. */
function* readsWithNested(node: Node): Generator<Value> {
  for (const input of node.inputs) if (input) yield input;
  for (const nested of node.subgraphs) for (const inner of nested.nodes) yield* readsWithNested(inner);
}

function addWithNested(nodes: Set<Node>, node: Node): void {
  nodes.add(node);
  for (const nested of node.subgraphs) for (const inner of nested.nodes) addWithNested(nodes, inner);
}

/** Removes initializers that nothing reads. @throws Error when one is still read. */
export function removeInitializers(graph: Graph, values: Iterable<Value>): void {
  const gone = new Set(values);
  const known = new Set(graph.initializers);
  for (const value of gone) {
    if (!known.has(value)) throw new Error(`${value.name} is no initializer of graph ${graph.name}`);
    if (value.uses.length > 0 || value.isOutput) throw new Error(`initializer ${value.name} is still read`);
  }
  const kept = graph.initializers.filter((value) => !gone.has(value));
  graph.initializers.length = 0;
  for (const value of kept) graph.initializers.push(value);
  for (const value of gone) value.tensor = null;
}

function requireVisible(value: Value, reader: Node): void {
  if (reader.graph.scopes.includes(value.graph)) return;
  throw new Error(
    `${reader.name} cannot read ${value.name}: it belongs to a graph that is not visible there`,
  );
}
