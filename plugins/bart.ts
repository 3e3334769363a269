import { hasName, type Plugin } from '../src/plugin.js';

/** BART (Lewis et al. 2019): the position table keeps two rows. */
export const bart: Plugin = {
  name: 'bart',
  matches: (model) =>
    hasName(model, /\bencoder_attn\b/) &&
    hasName(model, /\bembed_positions\b/) &&
    !hasName(model, /\bconv1\b/),
  reservedPositions: 2,
};
