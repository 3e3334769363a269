import { hasName, type Plugin } from '../src/plugin.js';

/** DeBERTa (He et al. 2020): disentangled attention. */
export const deberta: Plugin = {
  name: 'deberta',
  matches: (model) => hasName(model, /\bdeberta\b/),
};
