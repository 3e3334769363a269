import type { Graph } from '../graph/graph.js';
import type { Node } from '../graph/node.js';
import type { Value } from '../graph/value.js';
import { isFloat } from '../onnx/data-types.js';
import { type Structural, structural } from '../patterns/graph-structure.js';
import { moving } from '../patterns/pass.js';
import type { Site } from './types.js';

/** Where a layer's embedding [nodes, features] is read: at a site, or at the output of a last layer that has none. */
export type Embedding = Pick<
  Site,
  'id' | 'stack' | 'layer' | 'part' | 'value' | 'plus' | 'axis' | 'neurons'
> & {
  site: 'mlp_post' | 'attn_out' | 'output';
};

/**
 * Where the layers' embeddings are: after the activation function, or, where a layer has none, its attention's output; last the
 * model's output, where that is one more layer and no layer before it was left out.
 *
 * @param selected Those of the model's sites that are read.
 */
export function embeddingsOf(graph: Graph, all: Site[], selected: Site[]): Embedding[] {
  const found = embeddingSites(selected);
  const layers = new Set(found.map(layerOf));
  const whole = embeddingSites(all);
  const output = whole.every((one) => layers.has(layerOf(one))) ? outputEmbedding(graph, whole, all) : null;
  return output ? [...found, output] : found;
}

const layerOf = ({ stack, layer }: Site): string => `${stack}.${layer}`;

function embeddingSites(sites: Site[]): (Site & Embedding)[] {
  const sameLayer = (a: Site, b: Site): boolean => a.stack === b.stack && a.layer === b.layer;
  const activated = (one: Site): boolean =>
    sites.some((other) => other.site === 'mlp_post' && sameLayer(one, other));
  return sites.filter(
    (one): one is Site & Embedding =>
      one.axis === -1 && (one.site === 'mlp_post' || (one.site === 'attn_out' && !activated(one))),
  );
}

/**
 * What the last graph convolution puts out where no activation function follows: the model's first output of numbers in rows,
 * before its softmax. `null` when nothing is summed over neighbours behind the last embedding, or the output is a site already.
 */
function outputEmbedding(graph: Graph, embeddings: readonly Embedding[], sites: Site[]): Embedding | null {
  const output = graph.outputs.find(({ type, rank }) => isFloat(type?.elemType ?? 0) && (rank ?? 0) >= 2);
  const last = embeddings.at(-1);
  if (!output || !last) return null;
  const value = beforeSoftmax(output);
  const known = new Set([...sites, ...embeddings].map((one) => beforeMoves(one.value)));
  if (known.has(value) || !aggregatesBehind(value, known, structural(graph))) return null;
  const { stack } = last;
  const layer = 1 + Math.max(...embeddings.filter((one) => one.stack === stack).map((one) => one.layer));
  const id = `${stack === '' ? '' : `${stack}.`}${layer}.output`;
  return { id, stack, layer, site: 'output', part: '', value, plus: null, axis: -1, neurons: null };
}

/** The value that a softmax and moves only reshape. */
function beforeSoftmax(value: Value): Value {
  const at = beforeMoves(value);
  const node = at.producer;
  return (node?.is('Softmax') || node?.is('LogSoftmax')) && node.input ? beforeMoves(node.input) : at;
}

function beforeMoves(value: Value): Value {
  const node = value.producer;
  return node && moving(node) && node.input ? beforeMoves(node.input) : value;
}

/** Whether a sum over neighbours lies between a value and the embeddings before it. */
function aggregatesBehind(value: Value, known: ReadonlySet<Value>, { values }: Structural): boolean {
  const follows = (at: Value | null | undefined): boolean => !!at && (at.tensor !== null || values.has(at));
  const seen = new Set<Node>();
  const waiting = [value];
  for (let at = waiting.pop(); at; at = waiting.pop()) {
    const node = known.has(at) ? null : at.producer;
    if (!node || seen.has(node)) continue;
    seen.add(node);
    const [first, second, updates] = node.inputs;
    const product = (node.is('MatMul') || node.is('Gemm')) && follows(first) && !follows(second);
    const adds = /^Scatter(Elements|ND)$/.test(node.opType) && node.string('reduction', 'none') === 'add';
    if (product || (adds && !follows(updates))) return true;
    for (const input of node.inputs) if (input && !follows(input)) waiting.push(input);
  }
  return false;
}
