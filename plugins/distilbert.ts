import { hasName, type Plugin } from '../src/plugin.js';

/** DistilBERT (Sanh et al. 2019). */
export const distilbert: Plugin = {
  name: 'distilbert',
  matches: (model) => hasName(model, /\bdistilbert\b/),
};
