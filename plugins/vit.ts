import { hasName, type Plugin } from '../src/plugin.js';

/** ViT (Dosovitskiy et al. 2020) and DeiT. */
export const vit: Plugin = {
  name: 'vit',
  matches: (model) => hasName(model, /\b(vit|deit)[./]/),
};
