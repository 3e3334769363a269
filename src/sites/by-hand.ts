import { UserError } from '../errors.js';
import type { Graph, Value } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import { linearUpstream } from '../patterns/linear-upstream.js';
import { matchGlob } from './glob.js';
import type { Site, SiteName } from './types.js';
import { incomingRef } from './weight-refs.js';

/**
 * Adds the sites that the setting `map` names; one with the id of a found site replaces it. With `*` in both,
 * each tensor that matches becomes a site whose id has the tensor's text in place of the star:
 * `*.mlp_post=/h.*_/act` names `3.mlp_post` at `/h.3_/act`. Where such texts make no ids (`gelu`, `gelu_1`, …
 * match `gelu*`), the tensors are numbered from 0 in the order of execution.
 *
 * @throws UserError for an id or tensor that does not exist.
 */
export function mapByHand(graph: Graph, found: Site[], map: Record<string, string>): Site[] {
  const sites = new Map(found.map((site) => [site.id, site]));
  const entries = Object.entries(map);
  if (entries.length === 0) return found;
  const values = topologicalOrder(graph).flatMap((node) => node.outputs.filter((output) => output !== null));
  for (const [id, tensor] of entries) {
    const matches = values.flatMap((value) => {
      const stars = matchGlob(tensor, value.name);
      return stars ? [{ value, stars }] : [];
    });
    if (matches.length === 0) throw noTensor(id, tensor, values);
    if (matches.length > 1 && !id.includes('*')) {
      throw new UserError(
        `\`map=${id}=${tensor}\` matches ${matches.length} tensors (${matches[0]!.value.name}, ${matches[1]!.value.name}, …): put a \`*\` in the id too.`,
        'map-ambiguous',
        { settings: ['map'] },
      );
    }
    const ids = filledIds(
      id,
      matches.map(({ stars }) => stars),
    );
    for (const [i, { value }] of matches.entries()) sites.set(ids[i]!, siteOf(ids[i]!, value));
  }
  return [...sites.values()];
}

const SITE_ID = /^(?:([A-Za-z_][\w-]*)\.)?(\d+)\.(mlp_pre|mlp_post|attn_out|output)(?:\.([\w-]+))?$/;

/**
 * The id for each match: the stars of the id filled with the texts of the tensor's stars, or else a number.
 */
function filledIds(id: string, matches: string[][]): string[] {
  const filled = matches.map((stars) => {
    const texts = [...stars];
    return id.replace(/\*+/g, () => texts.shift() ?? '');
  });
  const hasOneStar = id.split(/\*+/).length === 2;
  if (!hasOneStar || filled.every((text) => SITE_ID.test(text))) return filled;
  return matches.map((_, i) => id.replace(/\*+/, String(i)));
}

function siteOf(id: string, value: Value): Site {
  const match = SITE_ID.exec(id);
  if (!match) {
    throw new UserError(
      `Expected the id in \`map\` to be \`[stack.]layer.site[.part]\` with site mlp_pre, mlp_post, attn_out or output, got \`${id}\`.`,
      'map-id',
      { settings: ['map'] },
    );
  }
  const layers = linearUpstream(value).found;
  return {
    id,
    stack: match[1] ?? '',
    layer: Number(match[2]),
    site: match[3] as SiteName,
    part: match[4] ?? '',
    value,
    plus: null,
    axis: layers.some(({ neuronAxis }) => neuronAxis === 1) ? 1 : -1,
    neurons: layers[0]?.neurons ?? null,
    activation: null,
    weights: layers.map((layer) => incomingRef('in', layer, layer.bias)),
  };
}

function noTensor(id: string, tensor: string, values: Value[]): UserError {
  const words = tensor.split(/[*/.]/).filter((word) => word.length > 2);
  const near = values.filter(({ name }) => words.some((word) => name.includes(word))).slice(0, 3);
  const hint =
    near.length > 0 ? ` Tensors with a similar name: ${near.map(({ name }) => name).join(', ')}.` : '';
  return new UserError(`\`map=${id}=${tensor}\` names no tensor of the graph.${hint}`, 'map-tensor', {
    settings: ['map'],
  });
}
