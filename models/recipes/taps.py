"""Where PyTorch keeps the activations of each site, one function an architecture."""

from torch import nn

from .golden import Tap


def gpt2_taps(model: nn.Module) -> list[Tap]:
    """Where each site of GPT-2 is read."""
    return [
        tap
        for layer, block in enumerate(model.transformer.h)
        for tap in (
            Tap(f"{layer}.attn_out", block.attn.c_proj, "output"),
            Tap(f"{layer}.mlp_pre", block.mlp.act, "input"),
            Tap(f"{layer}.mlp_post", block.mlp.act, "output"),
        )
    ]


def bert_taps(model: nn.Module) -> list[Tap]:
    """Where each site of BERT is read."""
    return [
        tap
        for index, layer in enumerate(model.bert.encoder.layer)
        for tap in (
            Tap(f"{index}.attn_out", layer.attention.output.dense, "output"),
            Tap(f"{index}.mlp_pre", layer.intermediate.intermediate_act_fn, "input"),
            Tap(f"{index}.mlp_post", layer.intermediate.intermediate_act_fn, "output"),
        )
    ]


def opt_taps(model: nn.Module) -> list[Tap]:
    """Where each site of OPT is read."""
    return [
        tap
        for index, layer in enumerate(model.model.decoder.layers)
        for tap in (
            Tap(f"{index}.attn_out", layer.self_attn.out_proj, "output"),
            Tap(f"{index}.mlp_pre", layer.activation_fn, "input"),
            Tap(f"{index}.mlp_post", layer.activation_fn, "output"),
        )
    ]


def llama_taps(model: nn.Module) -> list[Tap]:
    """Gated MLP: the gate's pre-activation, and the product that enters the down projection."""
    return [
        tap
        for index, layer in enumerate(model.model.layers)
        for tap in (
            Tap(f"{index}.attn_out", layer.self_attn.o_proj, "output"),
            Tap(f"{index}.mlp_pre", layer.mlp.act_fn, "input"),
            Tap(f"{index}.mlp_post", layer.mlp.down_proj, "input"),
        )
    ]


def gcn_taps(model: nn.Module) -> list[Tap]:
    """Both ends of the ReLU."""
    return [Tap("0.mlp_pre", model.act, "input"), Tap("0.mlp_post", model.act, "output")]
