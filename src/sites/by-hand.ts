import { UserError } from '../errors.js';
import type { Graph, Value } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import { linearUpstream } from '../patterns/linear-upstream.js';
import { incomingRef } from './find.js';
import { globToRegExp } from './select.js';
import type { Site, SiteName } from './types.js';

/**
 * Adds the sites that `--map ID=TENSOR` names; one with the id of a found site replaces it. With `*` in both, each
 * tensor that matches becomes a site whose id has the tensor's text in place of the star.
 *
 * @throws UserError for an id or tensor that does not exist.
 */
export function mapByHand(graph: Graph, found: Site[], map: Record<string, string>): Site[] {
  const sites = new Map(found.map((site) => [site.id, site]));
  const entries = Object.entries(map);
  if (entries.length === 0) return found;
  const values = topologicalOrder(graph).flatMap((node) => node.outputs.filter((output) => output !== null));
  for (const [id, tensor] of entries) {
    const pattern = globToRegExp(tensor);
    const matches = values.filter((value) => pattern.test(value.name));
    if (matches.length === 0) throw noTensor(id, tensor, values);
    if (matches.length > 1 && !id.includes('*')) {
      throw new UserError(
        `\`--map ${id}=${tensor}\` matches ${matches.length} tensors (${matches[0]!.name}, ${matches[1]!.name}, …): put a \`*\` in the id too.`,
        'map-ambiguous',
      );
    }
    for (const value of matches) {
      const texts = pattern.exec(value.name)!.slice(1);
      const filled = id.replace(/\*/g, () => texts.shift() ?? '');
      sites.set(filled, siteOf(filled, value));
    }
  }
  return [...sites.values()];
}

function siteOf(id: string, value: Value): Site {
  const match = /^(?:([A-Za-z_][\w-]*)\.)?(\d+)\.(mlp_pre|mlp_post|attn_out)(?:\.([\w-]+))?$/.exec(id);
  if (!match) {
    throw new UserError(
      `Expected the id in \`--map\` to be \`[stack.]layer.site[.part]\` with site mlp_pre, mlp_post or attn_out, got \`${id}\`.`,
      'map-id',
    );
  }
  const behind = linearUpstream(value).found;
  return {
    id,
    stack: match[1] ?? '',
    layer: Number(match[2]),
    site: match[3] as SiteName,
    part: match[4] ?? '',
    value,
    plus: null,
    axis: -1,
    neurons: behind[0]?.neurons ?? null,
    activation: null,
    weights: behind.map((layer) => incomingRef('in', layer, layer.bias)),
  };
}

function noTensor(id: string, tensor: string, values: Value[]): UserError {
  const words = tensor.split(/[*/.]/).filter((word) => word.length > 2);
  const near = values.filter(({ name }) => words.some((word) => name.includes(word))).slice(0, 3);
  const hint =
    near.length > 0 ? ` Tensors with a similar name: ${near.map(({ name }) => name).join(', ')}.` : '';
  return new UserError(`\`--map ${id}=${tensor}\` names no tensor of the graph.${hint}`, 'map-tensor');
}
