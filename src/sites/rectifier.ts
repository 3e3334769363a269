import type { Graph, Node, Value } from '../graph/graph.js';
import { readsOf } from '../graph/traversal.js';
import type { FoundSites } from './find.js';
import type { Site } from './types.js';

/** One layer of a rectifier network: post = f(pre) with f(t) = 0 exactly where t ≤ 0. */
export interface RectifierLayer {
  pre: Site;
  post: Site;
}

/** A network in which a data point that a layer kills is dead from there on. */
export interface RectifierNetwork {
  /** In order; the last linear layer, which no rectifier follows, is none of them. */
  layers: RectifierLayer[];
  /** Whether a data point is a record (index of the first axis), as in a convolution, or a position (a row). */
  points: 'records' | 'positions';
}

export type RectifierResult = { network: RectifierNetwork; reason: null } | { network: null; reason: string };

/** Functions that are zero exactly for arguments ≤ 0. */
const rectifiers = /^(relu|relu6|relu_squared|relu_max\(.*\))$/;

/**
 * The rectifier network that a graph is: an MLP or a convolutional network in which every activation function is a
 * rectifier (but for one at the very end, the output's), and all that depends on the data goes through every layer:
 * no attention, no gate, no skip connection, no second branch, no second input (a graph convolution has its edges).
 * Then a point at which all units of a layer are zero tells the later layers nothing.
 */
export function rectifierNetwork(graph: Graph, { sites, misses }: FoundSites): RectifierResult {
  if (sites.some(({ site }) => site === 'attn_out')) return no('it has attention');
  const posts = sites.filter(({ site }) => site === 'mlp_post');
  const isRectifier = ({ activation }: Site): boolean => rectifiers.test(activation ?? '');
  const count = posts.findLastIndex(isRectifier) + 1;
  if (count === 0) return no('it has no ReLU between linear layers');
  const other = posts.slice(0, count).find((post) => !isRectifier(post)) ?? posts[count + 1];
  if (other) return no(`the activation function of ${other.id} is ${other.activation}, no rectifier`);
  const miss = misses.find(({ what }) => what === 'mlp');
  if (miss) return no(miss.reason);
  const layers: RectifierLayer[] = [];
  for (const post of posts.slice(0, count)) {
    const pre = sites.find(({ id }) => id === post.id.replace(/mlp_post/, 'mlp_pre'));
    if (!pre || post.weights.some(({ role }) => role === 'gate')) return no(`${post.id} is gated`);
    if (pre.weights.some(({ layer }) => layer.normalised))
      return no(`${pre.id} is normalised by its own mean`);
    layers.push({ pre, post });
  }
  for (const [i, { pre }] of layers.entries()) {
    const before = layers[i - 1]?.post;
    if (before && readsData(pre.value, before.value)) return no(`${pre.id} does not only see ${before.id}`);
  }
  const last = layers.at(-1)!.post;
  const inside = upstream(last.value);
  const around = graph.outputs.find((output) => !inside.has(output) && readsData(output, last.value));
  if (around) return no(`the output ${around.name} does not only see ${last.id}`);
  const points = layers.some(({ post }) => post.axis === 1) ? 'records' : 'positions';
  return { network: { layers, points }, reason: null };
}

function no(reason: string): RectifierResult {
  return { network: null, reason };
}

/** Whether some input of the graph reaches `value` without passing through `cut`. */
function readsData(value: Value, cut: Value): boolean {
  return [...upstream(value, cut)].some(
    (each) => each.producer === null && each.tensor === null && isFed(each),
  );
}

const isFed = (value: Value): boolean => value.graph.inputs.includes(value);

/** All values that `value` is computed from, itself included and nothing behind `cut`; shapes tell no data. */
function upstream(value: Value, cut: Value | null = null): Set<Value> {
  const seen = new Set<Value>();
  const open = [value];
  for (let at = open.pop(); at; at = open.pop()) {
    if (at === cut || seen.has(at)) continue;
    seen.add(at);
    if (at.producer && !tellsShape(at.producer)) open.push(...readsOf(at.producer));
  }
  return seen;
}

const tellsShape = (node: Node): boolean => node.is('Shape') || node.is('Size');
