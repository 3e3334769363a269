import { hasName, type Plugin } from '../src/plugin.js';

/** ELECTRA (Clark et al. 2020). */
export const electra: Plugin = {
  name: 'electra',
  matches: (model) => hasName(model, /\belectra\b/),
};
