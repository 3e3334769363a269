import { UserError } from '../../errors.js';
import { constantTensor } from '../../graph/constants.js';
import { removeUnread, replaceUses } from '../../graph/edits.js';
import type { Graph, Value } from '../../graph/graph.js';
import type { Model } from '../../graph/model.js';
import { DataType, isFloat } from '../../onnx/data-types.js';
import { type ActivationMatch, findActivations } from '../../patterns/activations.js';
import type { Site } from '../../sites/types.js';
import { LEAST_OPSET, type WrittenActivation, writeActivation } from './write-activation.js';

export interface Swapped {
  modified: boolean;
  /** Ids of the mlp_pre sites whose activation function was replaced. */
  sites: string[];
}

/**
 * Replaces the activation functions behind the given mlp_pre sites, fused biases taken apart. The new function's output
 * takes over the name of the old one's, and sites that read it read the new one. The model and the sites are changed.
 *
 * @throws UserError when the opset cannot express the function.
 */
export function swapActivations(
  { graph, opsets }: Model,
  sites: Site[],
  to: WrittenActivation,
  alpha?: number,
): Swapped {
  const opset = opsets.get('') ?? 1;
  const least = LEAST_OPSET[to] ?? 1;
  if (opset < least) {
    throw new UserError(
      `\`${to}\` cannot be written in opset ${opset}; it needs ${least}: leave it out, or convert the model.`,
      'swap-opset',
    );
  }
  const matches = findActivations(graph).matches;
  const done: string[] = [];
  for (const site of sites.filter(({ site: name }) => name === 'mlp_pre')) {
    for (const match of matches.filter(({ pre, bias }) => pre === site.value && bias === site.plus)) {
      const post = replace(graph, match, `swap/${site.id}/`, { to, opset, alpha });
      for (const one of sites) if (one.value === match.post) one.value = post;
      done.push(site.id);
    }
  }
  const ids = new Set(done.map((id) => id.replace(/mlp_pre/, 'mlp_post')));
  for (const site of sites) {
    if (done.includes(site.id) || ids.has(site.id)) site.activation = to;
  }
  return { modified: done.length > 0, sites: done };
}

function replace(
  graph: Graph,
  { pre, bias, post }: ActivationMatch,
  prefix: string,
  { to, opset, alpha }: { to: WrittenActivation; opset: number; alpha: number | undefined },
): Value {
  const old = post.producer!;
  const elemType = elemTypeOf(pre) ?? DataType.FLOAT;
  const x = bias ? graph.addNode({ opType: 'Add', inputs: [pre, bias], name: `${prefix}Add` }).output : pre;
  const value = writeActivation(to, x, { graph, opset, elemType, prefix, alpha });
  replaceUses(post, value);
  [value.name, post.name] = [post.name, value.name];
  [value.type, value.info] = [post.type, post.info];
  post.info = null;
  removeUnread(graph, [old]);
  return value;
}

/** Element type of an activation's input where the file does not declare it: that of the weights behind it. */
function elemTypeOf(value: Value, depth = 24): number | null {
  const declared = value.type?.elemType || constantTensor(value)?.dataType;
  if (declared) return isFloat(declared) ? declared : null;
  const node = value.producer;
  if (!node || depth === 0) return null;
  if (node.is('Cast')) return isFloat(node.int('to', 0)) ? node.int('to', 0) : null;
  // The scale of a quantizer, and the last operand of what is added or multiplied, has the type of the result.
  for (const input of [...node.inputs].reverse()) {
    const found = input && elemTypeOf(input, depth - 1);
    if (found) return found;
  }
  return null;
}
