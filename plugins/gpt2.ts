import { hasName, type Plugin } from '../src/plugin.js';

/** GPT-2 (Radford et al. 2019) as Hugging Face names it: blocks `h.N` with `c_fc` and `c_proj`. */
export const gpt2: Plugin = {
  name: 'gpt2',
  matches: (model) => hasName(model, /\bh\.\d+[./]mlp[./]c_fc\b/),
};
