import { matchGlob } from './glob.js';

/** The part of a site that selectors look at. */
export interface Selectable {
  /** `[stack.]layer.site[.part]` */
  id: string;
  site: string;
  part: string;
}

/**
 * Returns true if a selector means the site. The setting `sites`, the rules of a gate and requests to the
 * server all select sites by this rule. A selector is one of
 *
 * - the name of a site alone, which means every site of that name: `mlp_post`;
 * - a site id, in which `*` stands for any text, dots included: `5.mlp_post`, `decoder.*.attn_out.cross`;
 * - a site id without its part, which means every part: `2.mlp_post` also means `2.mlp_post.expert7`.
 */
export function matchesSelector(selector: string, { id, site, part }: Selectable): boolean {
  if (selector === site || matchGlob(selector, id) !== null) return true;
  const hasPart = part !== '' && id.endsWith(`.${part}`);
  return hasPart && matchGlob(selector, id.slice(0, -part.length - 1)) !== null;
}

/** Returns the sites that a selector means, in their order. */
export function sitesMatching<S extends Selectable>(sites: readonly S[], selector: string): S[] {
  return sites.filter((site) => matchesSelector(selector, site));
}
