import { hasName, type Plugin } from '../src/plugin.js';

/** Swin (Liu et al. 2021): windows, patch merging between stages. */
export const swin: Plugin = {
  name: 'swin',
  matches: (model) => hasName(model, /\bswin[./]/),
};
