import { intAttribute, stringAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import { replaceUses } from '../graph/edits.js';
import type { Graph, Value } from '../graph/graph.js';
import { type EdgeAggregation, edgeAggregations } from '../patterns/edge-aggregation.js';

/** Beyond the axes of any tensor: up to the last one. */
const MOST_AXES = 8;

/** Rows of messages that exist at once; with 16 features 16 MB of float32. */
const CHUNK_EDGES = 2 ** 18;

/**
 * Sums messages over the edges in chunks, so that a graph with millions of edges needs no tensor of [edges, features]: exports of
 * graph convolutions and of graph attention make two, the messages and, eight bytes each, the indices of where every number
 * goes. The sums of each node are added in the same order as before, so on one thread the result is the same to the bit.
 */
export function streamEdges(
  graph: Graph,
  opset: number,
  chunkEdges = CHUNK_EDGES,
): { modified: boolean; streamed: number } {
  const found = edgeAggregations(graph);
  for (const [i, one] of found.entries())
    rewrite(new Builder(graph, opset, `audit/edges${i}/`), one, chunkEdges);
  return { modified: found.length > 0, streamed: found.length };
}

function rewrite(b: Builder, found: EdgeAggregation, chunkEdges: number): void {
  const { scatter, start, features, from, to, indices, weights, messages } = found;
  const count = b.op('Gather', [b.op('Shape', [to]), b.int(0)]);
  const edges = b.unsqueeze(count, 0);
  const up = b.op('Add', [count, b.int(chunkEdges - 1)]);
  const [sum] = b.loop(b.op('Div', [up, b.int(chunkEdges)]), [start], (inside, iteration, [before]) => {
    const first = inside.unsqueeze(inside.op('Mul', [iteration, inside.int(chunkEdges)]), 0);
    // Gathered by a longer list, messages are cut to the number of indices.
    const end = inside.op('Min', [inside.op('Add', [first, inside.ints([chunkEdges])]), edges]);
    const part = (value: Value): Value => inside.slice(value, first, end, 0);
    const rows = inside.op('Gather', [features, part(from)], { axis: intAttribute(0) });
    const updates = weights ? inside.op('Mul', [part(weights), rows]) : rows;
    const places = indices ? part(indices) : inside.op('Expand', [part(to), inside.op('Shape', [updates])]);
    const attributes = { axis: intAttribute(0), reduction: stringAttribute('add') };
    return [inside.op('ScatterElements', [before!, places, updates], attributes)];
  });
  replaceShapes(b, messages, from, features);
  replaceUses(scatter.output, sum!);
}

/** What only asks for the shape of the messages gets it from the edges and the features. */
function replaceShapes(b: Builder, messages: Value, from: Value, features: Value): void {
  const asking = messages.uses.filter(({ node }) => node.is('Shape')).map(({ node }) => node);
  if (asking.length === 0) return;
  const width = b.op('Slice', [b.op('Shape', [features]), b.ints([1]), b.ints([MOST_AXES])]);
  const shape = b.op('Concat', [b.op('Shape', [from]), width], { axis: intAttribute(0) });
  for (const node of asking) {
    if (!node.attributes.has('start') && !node.attributes.has('end')) replaceUses(node.output, shape);
  }
}
