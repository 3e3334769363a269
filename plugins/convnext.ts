import { hasName, type Plugin } from '../src/plugin.js';

/** ConvNeXt (Liu et al. 2022): depthwise convolution, then an MLP over channels. */
export const convnext: Plugin = {
  name: 'convnext',
  matches: (model) => hasName(model, /\bconvnext[./]/),
};
