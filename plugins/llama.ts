import { hasName, type Plugin } from '../src/plugin.js';

/** Llama (Touvron et al. 2023) and its relatives Mistral, Qwen, Gemma: gated MLPs, RMSNorm, rotary positions. */
export const llama: Plugin = {
  name: 'llama',
  matches: (model) =>
    hasName(model, /\blayers\.\d+[./](post_attention_layernorm|mlp[./]gate_(up_)?proj)\b/) &&
    hasName(model, /\bembed_tokens\b/),
};
