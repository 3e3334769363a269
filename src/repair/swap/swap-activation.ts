import { UserError } from '../../errors.js';
import { constantTensor } from '../../graph/constants.js';
import { removeUnread, replaceUses } from '../../graph/edits.js';
import { follow } from '../../graph/follow.js';
import type { Graph, Value } from '../../graph/graph.js';
import type { Model } from '../../graph/model.js';
import { DataType, isFloat } from '../../onnx/data-types.js';
import type { ActivationMatch } from '../../patterns/activations.js';
import type { Site } from '../../sites/types.js';
import type { Activation } from './activation.js';
import { spellingOf, writeActivation } from './spellings.js';

/**
 * Replaces the activation functions of MLPs, fused biases taken apart. The new function's output takes over
 * the name of the old one's, and sites that read it read the new one. The model and the sites are changed.
 *
 * @param matches The activation functions of the graph.
 * @param sites Those of the model. An activation function is replaced if one of them is its mlp_pre.
 * @returns Ids of the mlp_pre sites whose activation function was replaced.
 * @throws UserError when the opset cannot express the function.
 */
export function swapActivations(
  model: Model,
  matches: readonly ActivationMatch[],
  sites: Site[],
  to: Activation,
): { modified: boolean; sites: string[] } {
  requireOpset(model, to);
  const swapped: string[] = [];
  for (const { site, match } of activationsOf(sites, matches)) {
    const post = replace(model, match, `swap/${site.id}/`, to);
    for (const each of sites) if (each.value === match.post) each.value = post;
    swapped.push(site.id);
  }
  const posts = new Set(swapped.map(postOf));
  for (const site of sites) {
    if (swapped.includes(site.id) || posts.has(site.id)) site.activation = to.label;
  }
  return { modified: swapped.length > 0, sites: swapped };
}

/** Pairs the mlp_pre sites with the activation functions that read them. */
export function activationsOf(
  sites: readonly Site[],
  matches: readonly ActivationMatch[],
): { site: Site; match: ActivationMatch }[] {
  return sites
    .filter(({ site }) => site === 'mlp_pre')
    .flatMap((site) =>
      matches
        .filter(({ pre, bias }) => pre === site.value && bias === site.plus)
        .map((match) => ({ site, match })),
    );
}

/** @throws UserError when the opset of a model cannot express a function. */
export function requireOpset({ opsets }: Model, { name }: Activation): void {
  const opset = opsets.get('') ?? 1;
  const { leastOpset = 1 } = spellingOf(name);
  if (opset >= leastOpset) return;
  throw new UserError(
    `\`${name}\` cannot be written in opset ${opset}; it needs ${leastOpset}: leave it out, or convert the model.`,
    'swap-opset',
  );
}

/** Returns the id of the mlp_post site that belongs to an mlp_pre site. */
export const postOf = (pre: string): string => pre.replace(/mlp_pre/, 'mlp_post');

function replace(
  { graph, opsets }: Model,
  { pre, bias, post }: ActivationMatch,
  prefix: string,
  { name, alpha }: Activation,
): Value {
  const replaced = post.producer!;
  const elemType = elemTypeOf(pre);
  const x = bias ? addBias(graph, pre, bias, prefix) : pre;
  const place = { graph, opset: opsets.get('') ?? 1, elemType, prefix };
  const value = writeActivation(name, alpha, x, place);
  replaceUses(post, value);
  [value.name, post.name] = [post.name, value.name];
  [value.type, value.info] = [post.type, post.info];
  post.info = null;
  removeUnread(graph, [replaced]);
  return value;
}

const addBias = (graph: Graph, pre: Value, bias: Value, prefix: string): Value =>
  graph.addNode({ opType: 'Add', inputs: [pre, bias], name: `${prefix}Add` }).output;

/**
 * Returns the element type of an activation's input: where the file does not declare it, that of the nearest
 * tensor upstream that is floating-point. Upstream of a Cast types may differ.
 */
function elemTypeOf(value: Value): number {
  for (const at of follow(value, 'upstream', ({ node }) => !node.is('Cast'))) {
    const declared = at.type?.elemType || constantTensor(at)?.dataType;
    const type = declared || (at.producer?.is('Cast') ? at.producer.int('to', 0) : 0);
    if (isFloat(type)) return type;
  }
  return DataType.FLOAT;
}
