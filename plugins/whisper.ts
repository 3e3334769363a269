import { hasName, type Plugin } from '../src/plugin.js';

/** Whisper (Radford et al. 2022): a convolutional stem, then an encoder and a decoder. */
export const whisper: Plugin = {
  name: 'whisper',
  matches: (model) => hasName(model, /\bencoder[./]conv1\b/) && hasName(model, /\bencoder_attn\b/),
};
