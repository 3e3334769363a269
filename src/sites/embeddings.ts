import { unmoved } from '../graph/follow.js';
import type { Graph, Value } from '../graph/graph.js';
import { isFloat } from '../onnx/data-types.js';
import { linearUpstream } from '../patterns/linear-upstream.js';
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
 * What the model puts out, before its softmax: its first output of numbers in rows, of which the weights or the file say how
 * long they are. `null` when that is a site already.
 */
function outputEmbedding(graph: Graph, embeddings: readonly Embedding[], sites: Site[]): Embedding | null {
  const output = graph.outputs.find(({ type, rank }) => isFloat(type?.elemType ?? 0) && (rank ?? 0) >= 2);
  const last = embeddings.at(-1);
  if (!output || !last) return null;
  const value = beforeSoftmax(output);
  const features = output.type?.shape?.at(-1);
  const neurons = typeof features === 'number' ? features : (linearUpstream(value).found[0]?.neurons ?? null);
  if (neurons === null || sites.some((site) => unmoved(site.value) === value)) return null;
  const { stack } = last;
  const layer = 1 + Math.max(...embeddings.filter((one) => one.stack === stack).map((one) => one.layer));
  const id = `${stack === '' ? '' : `${stack}.`}${layer}.output`;
  return { id, stack, layer, site: 'output', part: '', value, plus: null, axis: -1, neurons };
}

/** The value that a softmax and moves only reshape. */
function beforeSoftmax(value: Value): Value {
  const at = unmoved(value);
  const node = at.producer;
  return (node?.is('Softmax') || node?.is('LogSoftmax')) && node.input ? unmoved(node.input) : at;
}
