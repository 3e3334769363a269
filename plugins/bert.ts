import { hasName, type Plugin } from '../src/plugin.js';

/** BERT (Devlin et al. 2018) as Hugging Face names it. */
export const bert: Plugin = {
  name: 'bert',
  matches: (model) =>
    hasName(model, /\bbert[./]/) && hasName(model, /\bencoder[./]layer\.\d+[./]intermediate\b/),
};
