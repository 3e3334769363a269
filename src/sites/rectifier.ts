import type { Graph, Node, Value } from '../graph/graph.js';
import { readsOf, topologicalOrder } from '../graph/traversal.js';
import { activationFunction } from '../patterns/known-activations.js';
import type { FoundSites } from './find.js';
import type { Site } from './types.js';

/** One layer of a rectifier network: post = f(pre) with f(t) = 0 exactly where t ≤ 0. */
export interface RectifierLayer {
  pre: Site;
  post: Site;
}

/** A network in which a data point that a layer kills is dead from there on. */
export interface RectifierNetwork {
  /** In execution order; the last linear layer, which no rectifier follows, is none of them. */
  layers: RectifierLayer[];
  /**
   * `records` if a data point is an index of the first axis, as in a convolution; `positions` if it is a row.
   */
  points: 'records' | 'positions';
}

export type RectifierResult = { network: RectifierNetwork; reason: null } | { network: null; reason: string };

/**
 * Returns the rectifier network that a graph is, or why it is none.
 *
 * It is an MLP or a convolutional network in which every activation function is a rectifier, but for one at
 * the very end, and in which all that depends on the data goes through every layer: no attention, no gate, no
 * skip connection, no second branch, no second input (a graph convolution has its edges). Then a point at
 * which all units of a layer are zero tells the later layers nothing.
 */
export function rectifierNetwork(graph: Graph, { sites, misses }: FoundSites): RectifierResult {
  if (sites.some(({ site }) => site === 'attn_out')) return none('it has attention');
  const posts = sites.filter(({ site }) => site === 'mlp_post');
  const count = posts.findLastIndex(isRectifier) + 1;
  if (count === 0) return none('it has no ReLU between linear layers');
  const other = posts.slice(0, count).find((post) => !isRectifier(post)) ?? posts[count + 1];
  if (other) return none(`the activation function of ${other.id} is ${other.activation}, no rectifier`);
  const miss = misses.find(({ what }) => what === 'mlp');
  if (miss) return none(miss.reason);
  const pres = new Map(sites.filter(({ site }) => site === 'mlp_pre').map((site) => [site.id, site]));
  const layers: RectifierLayer[] = [];
  for (const post of posts.slice(0, count)) {
    const pre = pres.get(post.id.replace(/mlp_post/, 'mlp_pre'));
    if (!pre || post.weights.some(({ role }) => role === 'gate')) return none(`${post.id} is gated`);
    if (pre.weights.some(({ layer }) => layer.normalised))
      return none(`${pre.id} is normalised by its own mean`);
    layers.push({ pre, post });
  }
  const around = pathAround(graph, layers);
  if (around) return none(around);
  const points = layers.some(({ post }) => post.axis === 1) ? 'records' : 'positions';
  return { network: { layers, points }, reason: null };
}

function isRectifier({ activation }: Site): boolean {
  return activation !== null && activationFunction(activation)?.rectifier === true;
}

function none(reason: string): RectifierResult {
  return { network: null, reason };
}

/** Returns what the data reaches on a way around a layer; `null` if all goes through every layer. */
function pathAround(graph: Graph, layers: readonly RectifierLayer[]): string | null {
  const passed = layersPassed(graph, layers);
  for (const [i, { pre }] of layers.entries()) {
    if ((passed.get(pre.value) ?? Infinity) < i)
      return `${pre.id} does not only see ${layers[i - 1]!.post.id}`;
  }
  const last = layers.at(-1)!.post;
  const inside = upstreamOf(last.value);
  const around = graph.outputs.find(
    (output) => !inside.has(output) && (passed.get(output) ?? Infinity) < layers.length,
  );
  return around ? `the output ${around.name} does not only see ${last.id}` : null;
}

/**
 * Returns for each value the number of layers, counted from the first, that all data in it has gone through.
 * A value without data has no entry: shapes tell no data. One pass over the graph.
 */
function layersPassed(graph: Graph, layers: readonly RectifierLayer[]): Map<Value, number> {
  const ends = new Map<Value, number>(layers.map(({ post }, i) => [post.value, i + 1]));
  const passed = new Map<Value, number>();
  for (const input of graph.inputs) if (!input.tensor) passed.set(input, 0);
  for (const node of topologicalOrder(graph)) {
    if (tellsShape(node)) continue;
    let least = Infinity;
    for (const value of readsOf(node)) least = Math.min(least, passed.get(value) ?? Infinity);
    if (least === Infinity) continue;
    for (const output of node.outputs) {
      if (!output) continue;
      const layer = ends.get(output);
      // A layer counts only if all data in it has gone through the layers before.
      passed.set(output, layer === least + 1 ? layer : least);
    }
  }
  return passed;
}

/** Returns the values that a value is computed from, itself included. */
function upstreamOf(value: Value): Set<Value> {
  const seen = new Set([value]);
  for (const at of seen) {
    if (at.producer && !tellsShape(at.producer)) for (const read of readsOf(at.producer)) seen.add(read);
  }
  return seen;
}

const tellsShape = (node: Node): boolean => node.is('Shape') || node.is('Size');
