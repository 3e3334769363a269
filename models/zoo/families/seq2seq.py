"""Encoder-decoders: T5, T5 v1.1, BART, Whisper. Their sites carry the stack, and self- and cross-attention are parts."""

import torch
from torch import nn
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from models.recipes.onnx_files import Inputs

from ..family import Family
from ..inputs import VOCABULARY, tokens
from ..sites import Site, Tap, attention, gated_mlp, mlp
from .sizes import CONTEXT, HEADS, INNER, LAYERS, WIDTH

SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SIZES = {
    "d_model": WIDTH,
    "encoder_layers": LAYERS,
    "decoder_layers": LAYERS,
    "encoder_attention_heads": HEADS,
    "decoder_attention_heads": HEADS,
    "encoder_ffn_dim": INNER,
    "decoder_ffn_dim": INNER,
    "vocab_size": VOCABULARY,
}


def t5(feed_forward: str = "relu") -> nn.Module:
    model = T5ForConditionalGeneration(T5Config(
        d_model=WIDTH, d_kv=8, d_ff=INNER, num_layers=LAYERS, num_heads=HEADS, vocab_size=VOCABULARY,
        feed_forward_proj=feed_forward, tie_word_embeddings=feed_forward == "relu", decoder_start_token_id=0,
    ))  # fmt: skip
    model.decoder.config.use_cache = False  # a configuration of its own
    return model


def t5_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.encoder.block):
        sites.append(attention(layer, block.layer[0].SelfAttention.o, "encoder"))
        sites += t5_mlp(layer, block.layer[1].DenseReluDense, "encoder")
    for layer, block in enumerate(model.decoder.block):
        sites.append(attention(layer, block.layer[0].SelfAttention.o, "decoder", "self"))
        sites.append(attention(layer, block.layer[1].EncDecAttention.o, "decoder", "cross"))
        sites += t5_mlp(layer, block.layer[2].DenseReluDense, "decoder")
    return sites


def t5_mlp(layer: int, dense: nn.Module, stack: str) -> list[Site]:
    if hasattr(dense, "wi_0"):
        return gated_mlp(layer, "gelu_tanh", dense.wi_0, dense.wi_1, dense.wo, stack)
    return mlp(layer, "relu", dense.wi, dense.wo, stack)


def bart() -> nn.Module:
    return BartForConditionalGeneration(BartConfig(
        **SIZES, max_position_embeddings=CONTEXT, **SPECIAL, decoder_start_token_id=2, forced_eos_token_id=2,
    ))  # fmt: skip


def whisper() -> nn.Module:
    """Audio encoder with two convolutions before its blocks: a stack of their own."""
    return WhisperForConditionalGeneration(WhisperConfig(
        **SIZES, num_mel_bins=8, max_source_positions=12, max_target_positions=CONTEXT, **SPECIAL,
        decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None,
    ))  # fmt: skip


def bart_sites(model: nn.Module) -> list[Site]:
    """The blocks of BART and Whisper."""
    sites = []
    for layer, block in enumerate(model.model.encoder.layers):
        sites.append(attention(layer, block.self_attn.out_proj, "encoder"))
        sites += mlp(layer, "gelu", block.fc1, block.fc2, "encoder")
    for layer, block in enumerate(model.model.decoder.layers):
        sites.append(attention(layer, block.self_attn.out_proj, "decoder", "self"))
        sites.append(attention(layer, block.encoder_attn.out_proj, "decoder", "cross"))
        sites += mlp(layer, "gelu", block.fc1, block.fc2, "decoder")
    return sites


def whisper_sites(model: nn.Module) -> list[Site]:
    first, second = model.model.encoder.conv1, model.model.encoder.conv2
    after = Tap(second, "output", axis=1, then=nn.functional.gelu)
    return [
        *mlp(0, "gelu", first, second, "conv", axis=1),
        *mlp(1, "gelu", second, None, "conv", axis=1, post=after),
        *bart_sites(model),
    ]


def text_pair() -> Inputs:
    return tokens() | {"decoder_input_ids": tokens(length=9)["input_ids"]}


def audio() -> Inputs:
    mel = torch.randn(2, 8, 24, generator=torch.Generator().manual_seed(9))
    return {"input_features": mel, "decoder_input_ids": tokens(length=9)["input_ids"]}


SOURCE = {0: "batch", 1: "encoder_sequence"}
TARGET = {0: "batch", 1: "decoder_sequence"}
TEXT_AXES = {"input_ids": SOURCE, "attention_mask": SOURCE, "decoder_input_ids": TARGET, "logits": TARGET}
AUDIO_AXES = {"input_features": {0: "batch"}, "decoder_input_ids": TARGET, "logits": TARGET}


def pair(name: str, make, sites, exporters: str, inputs=text_pair, axes=TEXT_AXES, **options) -> Family:
    return Family(name, name.split("-")[0], "encoder-decoder", make, inputs, sites, tuple(exporters.split()),
                  axes=axes, masks={"encoder": "attention_mask"}, **options)  # fmt: skip


FAMILIES = [
    pair("t5", t5, t5_sites, "ts17 dynamo18 dynamo18eager fused optimum-seq2seq", fuse_as=("t5", HEADS, WIDTH), golden=True),
    pair("t5-v11", lambda: t5("gated-gelu"), t5_sites, "ts17", golden=True),
    pair("bart", bart, bart_sites, "ts17 dynamo18 dynamo23 fused optimum-seq2seq", fuse_as=("bart", HEADS, WIDTH), golden=True),
    pair("whisper", whisper, whisper_sites, "ts17 dynamo18", inputs=audio, axes=AUDIO_AXES),
]  # fmt: skip
