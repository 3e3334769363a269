import { didYouMean, UserError } from '../errors.js';
import { matchesSelector } from './selector.js';
import type { Site } from './types.js';

/**
 * Returns the sites that the settings `sites` and `layers` leave: those that any selector means, in any of
 * the layers.
 *
 * @throws UserError for a selector or a layer that leaves no site of the model.
 */
export function selectSites(
  sites: Site[],
  selectors: readonly string[] = [],
  layers: readonly number[] = [],
): Site[] {
  if (sites.length === 0) return sites;
  for (const selector of selectors) {
    if (!sites.some((site) => matchesSelector(selector, site))) throw noSite(sites, selector);
  }
  for (const layer of layers) {
    if (!sites.some((site) => site.layer === layer)) throw noLayer(sites, layer);
  }
  return sites.filter(
    (site) =>
      (selectors.length === 0 || selectors.some((selector) => matchesSelector(selector, site))) &&
      (layers.length === 0 || layers.includes(site.layer)),
  );
}

/** Ids that an error lists. */
const SHOWN_IDS = 6;

function noSite(sites: Site[], selector: string): UserError {
  const ids = sites.map(({ id }) => id);
  const names = [...new Set(sites.map(({ site }) => site))];
  const more = ids.length > SHOWN_IDS ? `, … (${ids.length} in all)` : '';
  return new UserError(
    `\`sites=${selector}\` matches no site; the model has ${ids.slice(0, SHOWN_IDS).join(', ')}${more}.` +
      didYouMean(selector, [...names, ...ids]),
    'sites-none',
    { settings: ['sites'] },
  );
}

function noLayer(sites: Site[], layer: number): UserError {
  const last = Math.max(...sites.map((site) => site.layer));
  return new UserError(
    `\`layers=${layer}\` matches no site; the model has layers 0 to ${last}.`,
    'layers-none',
    { settings: ['layers'] },
  );
}
