"""Decoders with a gated MLP: Llama, Mistral, Qwen, Gemma, Phi-3."""

from torch import nn
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GemmaConfig,
    GemmaForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from ..family import Family
from ..inputs import tokens
from ..sites import Site, attention, gated_mlp, packed_gated_mlp
from .sizes import COMMON, HEADS, WIDTH

#: Two query heads share a key-value head.
GROUPED = {**COMMON, "num_key_value_heads": 1, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def llama() -> nn.Module:
    return LlamaForCausalLM(LlamaConfig(**GROUPED))


def llama16() -> nn.Module:
    """Heads of 16, the least that GroupQueryAttention takes."""
    return LlamaForCausalLM(LlamaConfig(**GROUPED, head_dim=16))


def mistral() -> nn.Module:
    """Llama with sliding-window attention."""
    return MistralForCausalLM(MistralConfig(**GROUPED, sliding_window=8))


def qwen2() -> nn.Module:
    """Llama with biases at query, key and value."""
    return Qwen2ForCausalLM(Qwen2Config(**GROUPED, tie_word_embeddings=True))


def qwen3() -> nn.Module:
    """RMSNorm on each head's query and key."""
    return Qwen3ForCausalLM(Qwen3Config(**GROUPED, head_dim=8))


def gemma() -> nn.Module:
    """GeGLU; norms with 1 + weight."""
    return GemmaForCausalLM(GemmaConfig(**GROUPED, head_dim=8))


def gemma2() -> nn.Module:
    """GeGLU, norms before and after each block, soft-capped logits (a Tanh that is no activation function)."""
    return Gemma2ForCausalLM(Gemma2Config(**GROUPED, head_dim=8, query_pre_attn_scalar=8, sliding_window=8))


def phi3() -> nn.Module:
    """Gate and up projections packed in one matrix."""
    return Phi3ForCausalLM(Phi3Config(**GROUPED))


def gated_sites(activation: str):
    def sites(model: nn.Module) -> list[Site]:
        found = []
        for layer, block in enumerate(model.model.layers):
            found.append(attention(layer, block.self_attn.o_proj))
            mlp = block.mlp
            found += gated_mlp(layer, activation, mlp.gate_proj, mlp.up_proj, mlp.down_proj)
        return found

    return sites


def phi3_sites(model: nn.Module) -> list[Site]:
    found = []
    for layer, block in enumerate(model.model.layers):
        found.append(attention(layer, block.self_attn.o_proj))
        found += packed_gated_mlp(layer, "silu", block.mlp.gate_up_proj, block.mlp.down_proj)
    return found


def decoder(name: str, make, sites, exporters: str, **options) -> Family:
    return Family(name, name, "decoder", make, tokens, sites, tuple(exporters.split()),
                  task="text-generation-with-past", **options)  # fmt: skip


FUSE = ("gpt2", HEADS, WIDTH)
FAMILIES = [
    decoder("llama", llama, gated_sites("silu"), "ts17 dynamo18 dynamo23 ts17functions fused int8 nbits optimum optimum-merged handmade-opset23 handmade-opset24",
            fuse_as=FUSE, golden=True),
    decoder("llama16", llama16, gated_sites("silu"), "ts17 handmade-gqa"),
    decoder("mistral", mistral, gated_sites("silu"), "dynamo18"),
    decoder("qwen2", qwen2, gated_sites("silu"), "ts17"),
    decoder("qwen3", qwen3, gated_sites("silu"), "dynamo18", fuse_as=("qwen3", HEADS, WIDTH)),
    decoder("gemma", gemma, gated_sites("gelu_tanh"), "dynamo20"),
    decoder("gemma2", gemma2, gated_sites("gelu_tanh"), "dynamo18", golden=True),
    decoder("phi3", phi3, phi3_sites, "ts17 dynamo18", golden=True),
]  # fmt: skip
