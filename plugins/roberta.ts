import { hasName, type Plugin } from '../src/plugin.js';

/** RoBERTa (Liu et al. 2019): positions start at 2. */
export const roberta: Plugin = {
  name: 'roberta',
  matches: (model) => hasName(model, /\broberta\b/),
  reservedPositions: 2,
};
