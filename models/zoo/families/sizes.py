"""Sizes of all tiny models."""

from ..inputs import VOCABULARY

LAYERS, WIDTH, HEADS, INNER, CONTEXT = 2, 16, 2, 48, 32

#: The configuration arguments most architectures share.
COMMON = {
    "num_hidden_layers": LAYERS,
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "max_position_embeddings": CONTEXT,
    "vocab_size": VOCABULARY,
}
