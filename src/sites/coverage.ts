import type { Coverage } from './types.js';

/** Activation functions without a site that are worth a warning: as many as this at least, … */
const FEWEST_MISSED = 3;
/** … and more than this share of all. */
const LARGEST_SHARE = 1 / 4;

/**
 * Returns a sentence about the activation functions of a model that are no sites, if these are many; else
 * `null`.
 */
export function coverageGap({ activations, sites }: Coverage): string | null {
  const missed = activations - sites;
  if (missed < FEWEST_MISSED || missed <= LARGEST_SHARE * activations) return null;
  return (
    `Only ${sites} of ${activations} activation functions are sites: the audit leaves out a large part of the model; ` +
    '`audit inspect --explain` says why, and `map` names a site by hand.'
  );
}
