import { hasName, type Plugin } from '../src/plugin.js';

/** ALBERT (Lan et al. 2019): all layers share their weights. */
export const albert: Plugin = {
  name: 'albert',
  matches: (model) => hasName(model, /\balbert\b/),
};
