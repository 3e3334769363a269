import { hasName, type Plugin } from '../src/plugin.js';

/** Phi (Li et al. 2023): attention and MLP read the same stream. */
export const phi: Plugin = {
  name: 'phi',
  matches: (model) =>
    hasName(model, /\blayers\.\d+[./]self_attn[./]dense\b/) &&
    hasName(model, /\blayers\.\d+[./]mlp[./]fc1\b/),
};
