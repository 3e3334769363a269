import { hasName, type Plugin } from '../src/plugin.js';

/** GPT-NeoX and Pythia (Black et al. 2022): attention and MLP read the same stream. */
export const gptNeox: Plugin = {
  name: 'gpt_neox',
  matches: (model) => hasName(model, /\bgpt_neox\b/),
};
