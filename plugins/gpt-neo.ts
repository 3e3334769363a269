import { hasName, type Plugin } from '../src/plugin.js';

/** GPT-Neo (Black et al. 2021): local and global attention by turns. */
export const gptNeo: Plugin = {
  name: 'gpt_neo',
  matches: (model) => hasName(model, /\bh\.\d+[./]attn[./]attention\b/),
};
