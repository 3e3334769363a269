import { hasName, type Plugin } from '../src/plugin.js';

/** BLOOM (Le Scao et al. 2022): ALiBi instead of positions. */
export const bloom: Plugin = {
  name: 'bloom',
  matches: (model) => hasName(model, /\bword_embeddings_layernorm\b/),
};
