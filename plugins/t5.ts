import { hasName, type Plugin } from '../src/plugin.js';

/** T5 (Raffel et al. 2019): relative positions. */
export const t5: Plugin = {
  name: 't5',
  matches: (model) => hasName(model, /\bblock\.\d+[./]layer\.\d+[./](SelfAttention|layer_norm)\b/),
};
