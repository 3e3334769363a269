import { UserError } from '../errors.js';
import type { Site } from './types.js';

/** Whether a site id matches a pattern: an id with `*`, or a site name alone. */
export function matchesSite(pattern: string, { id, site }: Pick<Site, 'id' | 'site'>): boolean {
  return pattern === site || globToRegExp(pattern).test(id);
}

/** A glob in which `*` stands for any text; each `*` is a group. */
export function globToRegExp(glob: string): RegExp {
  const escaped = glob.split('*').map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('(.*)')}$`);
}

/** The sites that `--sites` and `--layers` leave. @throws UserError for a pattern that matches nothing. */
export function selectSites(sites: Site[], patterns?: readonly string[], layers?: readonly number[]): Site[] {
  if (sites.length === 0) return sites;
  for (const pattern of patterns ?? []) {
    if (sites.some((site) => matchesSite(pattern, site))) continue;
    const known = sites.slice(0, 6).map(({ id }) => id);
    const more = sites.length > known.length ? `, … (${sites.length} in all)` : '';
    throw new UserError(
      `\`--sites ${pattern}\` matches no site; the model has ${known.join(', ')}${more}.`,
      'sites-none',
    );
  }
  for (const layer of layers ?? []) {
    if (sites.some((site) => site.layer === layer)) continue;
    const last = Math.max(...sites.map((site) => site.layer));
    throw new UserError(
      `\`--layers ${layer}\` matches no site; the model has layers 0 to ${last}.`,
      'layers-none',
    );
  }
  return sites.filter(
    (site) =>
      (!patterns?.length || patterns.some((pattern) => matchesSite(pattern, site))) &&
      (!layers?.length || layers.includes(site.layer)),
  );
}
