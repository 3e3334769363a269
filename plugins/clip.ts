import { hasName, type Plugin } from '../src/plugin.js';

/** CLIP (Radford et al. 2021): a text and a vision tower. */
export const clip: Plugin = {
  name: 'clip',
  matches: (model) => hasName(model, /\b(text|vision)_model[./]/),
};
