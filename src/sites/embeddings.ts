import { unmoved } from '../graph/follow.js';
import type { Graph, Value } from '../graph/graph.js';
import { isFloat } from '../onnx/data-types.js';
import { linearUpstream } from '../patterns/linear-upstream.js';
import type { Site } from './types.js';

/** A layer's embedding [nodes, features]: at a site, or at the output of a last layer that has none. */
export type Embedding = Pick<
  Site,
  'id' | 'stack' | 'layer' | 'part' | 'value' | 'plus' | 'axis' | 'neurons'
> & {
  site: 'mlp_post' | 'attn_out' | 'output';
};

/**
 * Returns the layers' embeddings: after the activation function, or, in a layer without one, the attention's
 * output. The model's output comes last, if it is one more layer and no layer before it is left out.
 *
 * @param selected Those of the model's sites that are read.
 */
export function embeddingsOf(graph: Graph, all: Site[], selected: Site[]): Embedding[] {
  const found = embeddingSites(selected);
  const layers = new Set(found.map(layerOf));
  const whole = embeddingSites(all);
  const output = whole.every((site) => layers.has(layerOf(site))) ? outputEmbedding(graph, whole, all) : null;
  return output ? [...found, output] : found;
}

const layerOf = ({ stack, layer }: Site): string => `${stack}.${layer}`;

function embeddingSites(sites: Site[]): (Site & Embedding)[] {
  const isActivated = ({ site }: Site): boolean => site === 'mlp_post' || site === 'output';
  const activated = new Set(sites.filter(isActivated).map(layerOf));
  return sites.filter(
    (site): site is Site & Embedding =>
      site.axis === -1 && (isActivated(site) || (site.site === 'attn_out' && !activated.has(layerOf(site)))),
  );
}

/**
 * Returns the model's output before its softmax: the first output of numbers in rows, if the file or the
 * weights tell the length of a row. Returns `null` if it is a site already.
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
  const layers = embeddings.filter((embedding) => embedding.stack === stack).map(({ layer }) => layer);
  const layer = 1 + layers.reduce((a, b) => Math.max(a, b));
  const id = `${stack === '' ? '' : `${stack}.`}${layer}.output`;
  return { id, stack, layer, site: 'output', part: '', value, plus: null, axis: -1, neurons };
}

/** Returns the value that a softmax and moves make an output of. */
function beforeSoftmax(value: Value): Value {
  const at = unmoved(value);
  const node = at.producer;
  return (node?.is('Softmax') || node?.is('LogSoftmax')) && node.input ? unmoved(node.input) : at;
}
