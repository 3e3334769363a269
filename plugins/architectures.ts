import { hasName, type Model, type Plugin } from '../src/plugin.js';

/** One row of the table: a family by the module paths that exporters keep in names. */
interface Row {
  name: string;
  /** Patterns of names that the model must all have. */
  has: RegExp[];
  /** Pattern of a name that it must not have. */
  hasNot?: RegExp;
  reservedPositions?: number;
}

/**
 * The known architectures. The first row that fits is used, so the more particular ones stand before those
 * whose names they share.
 */
const rows: Row[] = [
  // GPT-Neo (Black et al. 2021): local and global attention by turns.
  { name: 'gpt_neo', has: [/\bh\.\d+[./]attn[./]attention\b/] },
  // GPT-NeoX and Pythia (Black et al. 2022): attention and MLP read the same stream.
  { name: 'gpt_neox', has: [/\bgpt_neox\b/] },
  // GPT-2 (Radford et al. 2019) as Hugging Face names it.
  { name: 'gpt2', has: [/\bh\.\d+[./]mlp[./]c_fc\b/] },
  // Whisper (Radford et al. 2022): a convolutional stem, then an encoder and a decoder.
  { name: 'whisper', has: [/\bencoder[./]conv1\b/, /\bencoder_attn\b/] },
  // OPT (Zhang et al. 2022): ReLU MLPs; the position table keeps two rows for padding.
  {
    name: 'opt',
    has: [/\bdecoder[./]layers\.\d+[./]fc1\b/, /\bdecoder[./]embed_positions\b/],
    hasNot: /\bencoder_attn\b/,
    reservedPositions: 2,
  },
  // BLOOM (Le Scao et al. 2022): ALiBi instead of positions.
  { name: 'bloom', has: [/\bword_embeddings_layernorm\b/] },
  // T5 (Raffel et al. 2019): relative positions.
  { name: 't5', has: [/\bblock\.\d+[./]layer\.\d+[./](SelfAttention|layer_norm)\b/] },
  // BART (Lewis et al. 2019): the position table keeps two rows.
  {
    name: 'bart',
    has: [/\bencoder_attn\b/, /\bembed_positions\b/],
    hasNot: /\bconv1\b/,
    reservedPositions: 2,
  },
  // RoBERTa (Liu et al. 2019): positions start at 2.
  { name: 'roberta', has: [/\broberta\b/], reservedPositions: 2 },
  // DistilBERT (Sanh et al. 2019).
  { name: 'distilbert', has: [/\bdistilbert\b/] },
  // ALBERT (Lan et al. 2019): all layers share their weights.
  { name: 'albert', has: [/\balbert\b/] },
  // ELECTRA (Clark et al. 2020).
  { name: 'electra', has: [/\belectra\b/] },
  // DeBERTa (He et al. 2020): disentangled attention.
  { name: 'deberta', has: [/\bdeberta\b/] },
  // BERT (Devlin et al. 2018) as Hugging Face names it.
  { name: 'bert', has: [/\bbert[./]/, /\bencoder[./]layer\.\d+[./]intermediate\b/] },
  // Phi (Li et al. 2023): attention and MLP read the same stream.
  { name: 'phi', has: [/\blayers\.\d+[./]self_attn[./]dense\b/, /\blayers\.\d+[./]mlp[./]fc1\b/] },
  // Llama (Touvron et al. 2023), Mistral, Qwen, Gemma: gated MLPs, RMSNorm, rotary positions.
  {
    name: 'llama',
    has: [/\blayers\.\d+[./](post_attention_layernorm|mlp[./]gate_(up_)?proj)\b/, /\bembed_tokens\b/],
  },
  // ViT (Dosovitskiy et al. 2020) and DeiT.
  { name: 'vit', has: [/\b(vit|deit)[./]/] },
  // CLIP (Radford et al. 2021): a text and a vision tower.
  { name: 'clip', has: [/\b(text|vision)_model[./]/] },
  // Swin (Liu et al. 2021): windows, patch merging between stages.
  { name: 'swin', has: [/\bswin[./]/] },
  // ConvNeXt (Liu et al. 2022): depthwise convolution, then an MLP over channels.
  { name: 'convnext', has: [/\bconvnext[./]/] },
];

/**
 * Graph convolutions (Kipf & Welling 2016 and relatives): a graph structure is an input beside node features.
 */
const gcn: Plugin = {
  name: 'gcn',
  matches: ({ graph }) =>
    graph.inputs.some(
      ({ name, tensor }) => !tensor && /^(edge_index|adj(acency)?(_matrix|_t|_norm)?|edges)$/i.test(name),
    ),
};

export const architectures: Plugin[] = [...rows.map(pluginOf), gcn];

function pluginOf({ name, has, hasNot, reservedPositions }: Row): Plugin {
  return {
    name,
    matches: (model: Model) =>
      has.every((pattern) => hasName(model, pattern)) && !(hasNot && hasName(model, hasNot)),
    ...(reservedPositions !== undefined && { reservedPositions }),
  };
}
