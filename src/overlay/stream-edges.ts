import { intAttribute, stringAttribute } from '../graph/attributes.js';
import { constantInts } from '../graph/constants.js';
import type { Graph } from '../graph/graph.js';
import type { Node } from '../graph/node.js';
import { topologicalOrder } from '../graph/traversal.js';
import type { Value } from '../graph/value.js';
import { moving, slicesFromStart } from '../patterns/pass.js';
import { Builder } from './build.js';

/** Σ over the edges into each node of weight · H[from]: what a graph convolution aggregates. */
interface Aggregation {
  scatter: Node;
  /** Where the sums start: zeros [nodes, features]. */
  start: Value;
  /** H [nodes, features]. */
  features: Value;
  /** Node numbers [edges]. */
  from: Value;
  to: Value;
  /** [edges, 1], or none. */
  weights: Value | null;
  /** The messages [edges, features], one row an edge. */
  messages: Value;
}

/** Rows of messages that exist at once; with 16 features 16 MB of float32. */
const CHUNK_EDGES = 2 ** 18;

/**
 * Sums messages over the edges in chunks, so that a graph with millions of edges needs no tensor of [edges, features]: exports of
 * graph convolutions make two, the messages and, eight bytes each, the indices of where every number goes. The sums of each
 * node are added in the same order as before, so on one thread the result is the same to the bit.
 */
export function streamEdges(
  graph: Graph,
  opset: number,
  chunkEdges = CHUNK_EDGES,
): { modified: boolean; streamed: number } {
  const found = topologicalOrder(graph).flatMap((node) => aggregation(node) ?? []);
  for (const [i, one] of found.entries())
    rewrite(new Builder(graph, opset, `audit/edges${i}/`), one, chunkEdges);
  return { modified: found.length > 0, streamed: found.length };
}

/** ScatterElements(start, Expand(to), weights · Gather(H, from)) that adds along the rows, as PyTorch writes `scatter_add`. */
function aggregation(scatter: Node): Aggregation | null {
  const [start, indices, updates] = scatter.inputs;
  if (!scatter.is('ScatterElements') || scatter.string('reduction', 'none') !== 'add') return null;
  if (scatter.int('axis', 0) !== 0 || !start || !indices || !updates) return null;
  const to = expandedVector(indices);
  const messages = unsliced(updates);
  const producer = messages.producer;
  if (!to || !producer) return null;
  const gather = producer.is('Mul')
    ? producer.inputs.map((input) => input?.producer ?? null).find((node) => gathersRows(node))
    : gathersRows(producer)
      ? producer
      : null;
  if (!gather) return null;
  const weights = producer.is('Mul') ? producer.inputs.find((input) => input?.producer !== gather) : null;
  if (weights !== null && !(weights && isColumn(weights))) return null;
  return { scatter, start, features: gather.inputs[0]!, from: gather.inputs[1]!, to, weights, messages };
}

/** The vector [edges] that is made [edges, 1] and then repeated along the features. */
function expandedVector(indices: Value): Value | null {
  const expand = indices.producer;
  const column = expand?.is('Expand') ? expand.input : null;
  return column && isColumn(column) ? column.producer!.input : null;
}

/** Whether a vector was made a column [edges, 1]. */
function isColumn(value: Value): boolean {
  const node = value.producer;
  const shape = node?.inputs[1] ? constantInts(node.inputs[1]) : null;
  if (node?.is('Reshape')) return shape?.join() === '-1,1';
  return !!node?.is('Unsqueeze') && ['1', '-1'].includes((shape ?? node.ints('axes') ?? []).join());
}

function gathersRows(node: Node | null): node is Node {
  if (!node?.is('Gather') || !node.inputs[0] || !node.inputs[1] || node.inputs[0].tensor) return false;
  return [0, -2].includes(node.int('axis', 0));
}

function unsliced(value: Value): Value {
  const node = value.producer;
  return node && (slicesFromStart(node) || (moving(node) && node.is('Identity')))
    ? unsliced(node.input!)
    : value;
}

function rewrite(b: Builder, found: Aggregation, chunkEdges: number): void {
  const { scatter, start, features, from, to, weights, messages } = found;
  const count = b.op('Gather', [b.op('Shape', [to]), b.int(0)]);
  const up = b.op('Add', [count, b.int(chunkEdges - 1)]);
  const [sum] = b.loop(b.op('Div', [up, b.int(chunkEdges)]), [start], (inside, iteration, [before]) => {
    const first = inside.unsqueeze(inside.op('Mul', [iteration, inside.int(chunkEdges)]), 0);
    const end = inside.op('Add', [first, inside.ints([chunkEdges])]);
    const part = (value: Value): Value => inside.slice(value, first, end, 0);
    const rows = inside.op('Gather', [features, part(from)], { axis: intAttribute(0) });
    const updates = weights ? inside.op('Mul', [part(weights), rows]) : rows;
    const places = inside.op('Expand', [inside.unsqueeze(part(to), 1), inside.op('Shape', [updates])]);
    const attributes = { axis: intAttribute(0), reduction: stringAttribute('add') };
    return [inside.op('ScatterElements', [before!, places, updates], attributes)];
  });
  replaceShapes(b, messages, from, features);
  b.graph.replaceUses(scatter.output, sum!);
}

/** What only asks for the shape of the messages gets it from the edges and the features. */
function replaceShapes(b: Builder, messages: Value, from: Value, features: Value): void {
  const asking = messages.uses.filter(({ node }) => node.is('Shape')).map(({ node }) => node);
  if (asking.length === 0) return;
  const width = b.op('Slice', [b.op('Shape', [features]), b.ints([1]), b.ints([2])]);
  const shape = b.op('Concat', [b.op('Shape', [from]), width], { axis: intAttribute(0) });
  for (const node of asking) {
    if (!node.attributes.has('start') && !node.attributes.has('end')) b.graph.replaceUses(node.output, shape);
  }
}
