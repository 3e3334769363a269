import { hasName, type Plugin } from '../src/plugin.js';

/** OPT (Zhang et al. 2022): ReLU MLPs; the position table keeps two rows for padding. */
export const opt: Plugin = {
  name: 'opt',
  matches: (model) =>
    hasName(model, /\bdecoder[./]layers\.\d+[./]fc1\b/) &&
    hasName(model, /\bdecoder[./]embed_positions\b/) &&
    !hasName(model, /\bencoder_attn\b/),
  reservedPositions: 2,
};
