import { intAttribute, stringAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import { replaceUses } from '../graph/edits.js';
import type { Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { slice } from '../graph/spelling.js';
import { type EdgeAggregation, edgeAggregations } from '../patterns/edge-aggregation.js';

/** More axes than any tensor has: a slice that ends here ends at the last axis. */
const MOST_AXES = 8;

/** Rows of messages that exist at once; with 16 features they take 16 MB of float32. */
const CHUNK_EDGES = 2 ** 18;

/**
 * Sums messages over the edges in chunks, so that a graph with millions of edges needs no tensor of [edges,
 * features]. Exports of graph convolutions and of graph attention make two: the messages and, eight bytes
 * each, the index of every number. The sums of each node are added in the same order as before, so on one
 * thread the result is the same to the bit. The model is changed.
 */
export function streamEdges(model: Model, chunkEdges = CHUNK_EDGES): { modified: boolean; streamed: number } {
  const found = edgeAggregations(model.graph);
  for (const [i, aggregation] of found.entries())
    rewrite(Builder.of(model, `audit/edges${i}/`), aggregation, chunkEdges);
  return { modified: found.length > 0, streamed: found.length };
}

function rewrite(b: Builder, found: EdgeAggregation, chunkEdges: number): void {
  const { scatter, start, features, from, to, indices, weights, messages } = found;
  const count = b.sizeOf(to, 0);
  const edges = b.unsqueeze(count, 0);
  const up = b.op('Add', [count, b.int(chunkEdges - 1)]);
  const [sum] = b.loop(b.op('Div', [up, b.int(chunkEdges)]), [start], (inside, iteration, [before]) => {
    const first = inside.unsqueeze(inside.op('Mul', [iteration, inside.int(chunkEdges)]), 0);
    // Messages gathered by a list longer than the indices are cut to the number of indices.
    const end = inside.op('Min', [inside.op('Add', [first, inside.ints([chunkEdges])]), edges]);
    const part = (value: Value): Value => slice(inside, value, first, end, 0);
    const rows = inside.op('Gather', [features, part(from)], { axis: intAttribute(0) });
    const updates = weights ? inside.op('Mul', [part(weights), rows]) : rows;
    const places = indices ? part(indices) : inside.op('Expand', [part(to), inside.op('Shape', [updates])]);
    const attributes = { axis: intAttribute(0), reduction: stringAttribute('add') };
    return [inside.op('ScatterElements', [before!, places, updates], attributes)];
  });
  replaceShapes(b, messages, from, features);
  replaceUses(scatter.output, sum!);
}

/** Computes the messages' shape from the edges and the features, for nodes that read the shape alone. */
function replaceShapes(b: Builder, messages: Value, from: Value, features: Value): void {
  const readers = messages.uses.filter(({ node }) => node.is('Shape')).map(({ node }) => node);
  if (readers.length === 0) return;
  const width = slice(b, b.op('Shape', [features]), b.ints([1]), b.ints([MOST_AXES]), 0);
  const shape = b.op('Concat', [b.op('Shape', [from]), width], { axis: intAttribute(0) });
  for (const node of readers) {
    if (!node.attributes.has('start') && !node.attributes.has('end')) replaceUses(node.output, shape);
  }
}
