"""Decoders with a plain MLP: GPT-2, GPT-Neo, GPT-NeoX, OPT, BLOOM, Phi."""

from torch import nn
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PhiConfig,
    PhiForCausalLM,
)

from ..family import Family
from ..inputs import VOCABULARY, tokens
from ..sites import Site, attention, mlp
from .sizes import COMMON, CONTEXT, HEADS, INNER, LAYERS, WIDTH

TEXT = "text-generation-with-past"


def gpt2() -> nn.Module:
    return GPT2LMHeadModel(GPT2Config(
        n_layer=LAYERS, n_embd=WIDTH, n_head=HEADS, n_inner=INNER, n_positions=CONTEXT,
        vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0,
    ))  # fmt: skip


def gpt2_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.transformer.h):
        sites.append(attention(layer, block.attn.c_proj))
        sites += mlp(layer, "gelu_tanh", block.mlp.c_fc, block.mlp.c_proj)
    return sites


def gpt_neo() -> nn.Module:
    return GPTNeoForCausalLM(GPTNeoConfig(
        num_layers=LAYERS, attention_types=[[["global", "local"], 1]], hidden_size=WIDTH, num_heads=HEADS,
        intermediate_size=INNER, max_position_embeddings=CONTEXT, window_size=8, vocab_size=VOCABULARY,
        bos_token_id=0, eos_token_id=0,
    ))  # fmt: skip


def gpt_neo_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.transformer.h):
        sites.append(attention(layer, block.attn.attention.out_proj))
        sites += mlp(layer, "gelu_tanh", block.mlp.c_fc, block.mlp.c_proj)
    return sites


def gpt_neox() -> nn.Module:
    """Pythia's architecture: attention and MLP read the same residual stream."""
    return GPTNeoXForCausalLM(GPTNeoXConfig(**COMMON, use_parallel_residual=True, bos_token_id=0, eos_token_id=0))


def gpt_neox_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.gpt_neox.layers):
        sites.append(attention(layer, block.attention.dense))
        sites += mlp(layer, "gelu", block.mlp.dense_h_to_4h, block.mlp.dense_4h_to_h)
    return sites


def opt() -> nn.Module:
    """ReLU; its MLP may work on `[batch * sequence, width]`."""
    return OPTForCausalLM(OPTConfig(
        num_hidden_layers=LAYERS, hidden_size=WIDTH, num_attention_heads=HEADS, ffn_dim=INNER,
        max_position_embeddings=CONTEXT, vocab_size=VOCABULARY, word_embed_proj_dim=WIDTH,
    ))  # fmt: skip


def opt_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.model.decoder.layers):
        sites.append(attention(layer, block.self_attn.out_proj))
        sites += mlp(layer, "relu", block.fc1, block.fc2)
    return sites


def bloom() -> nn.Module:
    """ALiBi positions and a GELU written out with the constants 0.79788456 and 0.044715."""
    return BloomForCausalLM(BloomConfig(
        n_layer=LAYERS, hidden_size=WIDTH, n_head=HEADS, vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0,
    ))  # fmt: skip


def bloom_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.transformer.h):
        sites.append(attention(layer, block.self_attention.dense))
        sites += mlp(layer, "gelu_tanh", block.mlp.dense_h_to_4h, block.mlp.dense_4h_to_h)
    return sites


def phi() -> nn.Module:
    """Parallel residual with one LayerNorm for both branches."""
    return PhiForCausalLM(PhiConfig(**COMMON, bos_token_id=0, eos_token_id=0))


def phi_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.model.layers):
        sites.append(attention(layer, block.self_attn.dense))
        sites += mlp(layer, "gelu_tanh", block.mlp.fc1, block.mlp.fc2)
    return sites


def decoder(name: str, make, sites, exporters: str, **options) -> Family:
    return Family(name, name.replace("-", "_"), "decoder", make, tokens, sites, tuple(exporters.split()), task=TEXT, **options)


FAMILIES = [
    decoder("gpt2", gpt2, gpt2_sites, "ts13 ts17 dynamo20 dynamo23 ts17ext ts17functions dynamo18raw fused dynamofused fp16 int8 qdq nbits optimum handmade-fastgelu",
            fuse_as=("gpt2", HEADS, WIDTH), golden=True),
    decoder("gpt-neo", gpt_neo, gpt_neo_sites, "ts17"),
    decoder("gpt-neox", gpt_neox, gpt_neox_sites, "ts17 dynamo18 fused", golden=True, fuse_as=("gpt_neox", HEADS, WIDTH)),
    decoder("opt", opt, opt_sites, "ts17 dynamo18 fused int8 optimum", fuse_as=("gpt2", HEADS, WIDTH), golden=True),
    decoder("bloom", bloom, bloom_sites, "dynamo18"),
    decoder("phi", phi, phi_sites, "ts17 fused", fuse_as=("phi", HEADS, WIDTH)),
]  # fmt: skip
