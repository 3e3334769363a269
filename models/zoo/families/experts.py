"""Mixtures of experts: a Llama whose MLP is several gated experts, a router's top two of them used for each token."""

import torch
from torch import nn
from transformers import MixtralConfig, MixtralForCausalLM

from ..exporters.job import Unavailable
from ..family import Family
from ..inputs import tokens
from ..sites import Site, attention, gated_mlp
from .llamas import GROUPED, llama
from .sizes import WIDTH

EXPERTS, INNER = 4, 24


class Expert(nn.Module):
    """SwiGLU."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(WIDTH, INNER, bias=False), nn.Linear(WIDTH, INNER, bias=False)
        self.down_proj = nn.Linear(INNER, WIDTH, bias=False)
        self.act_fn = nn.SiLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))


class Moe(nn.Module):
    """`looped`: each expert sees only its tokens; otherwise all experts see all tokens."""

    def __init__(self, looped: bool) -> None:
        super().__init__()
        self.looped = looped
        self.router = nn.Linear(WIDTH, EXPERTS, bias=False)
        self.experts = nn.ModuleList(Expert() for _ in range(EXPERTS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.router(x).softmax(-1)
        top, chosen = scores.topk(2, dim=-1)
        weights = torch.zeros_like(scores).scatter(-1, chosen, top / top.sum(-1, keepdim=True))
        return self.loop(x, weights) if self.looped else self.dense(x, weights)

    def dense(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return sum(expert(x) * weights[..., index : index + 1] for index, expert in enumerate(self.experts))

    def loop(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        rows, weights = x.reshape(-1, WIDTH), weights.reshape(-1, EXPERTS)
        result = torch.zeros_like(rows)
        for index, expert in enumerate(self.experts):
            mine = torch.nonzero(weights[:, index])[:, 0]
            result = result.index_add(0, mine, expert(rows[mine]) * weights[mine, index, None])
        return result.reshape(x.shape)


def moe(looped: bool) -> nn.Module:
    model = llama()
    for block in model.model.layers:
        block.mlp = Moe(looped)
    return model


def moe_sites(model: nn.Module) -> list[Site]:
    """A part for each expert."""
    sites = []
    for layer, block in enumerate(model.model.layers):
        sites.append(attention(layer, block.self_attn.o_proj))
        for index, e in enumerate(block.mlp.experts):
            sites += gated_mlp(layer, "silu", e.gate_proj, e.up_proj, e.down_proj, part=f"expert{index}")
    return sites


def mixtral() -> nn.Module:
    """transformers 4: one module an expert (5 packs all experts in one parameter)."""
    model = MixtralForCausalLM(MixtralConfig(**GROUPED | {"intermediate_size": INNER}, num_local_experts=EXPERTS))
    if not hasattr(model.model.layers[0], "block_sparse_moe"):
        raise Unavailable("needs transformers 4 (models/zoo/requirements-optimum.txt)")
    return model


def mixtral_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.model.layers):
        sites.append(attention(layer, block.self_attn.o_proj))
        for index, e in enumerate(block.block_sparse_moe.experts):
            sites += gated_mlp(layer, "silu", e.w1, e.w3, e.w2, part=f"expert{index}")
    return sites


def family(name: str, make, sites, exporters: str, **options) -> Family:
    return Family(name, "mixtral", "decoder", make, tokens, sites, tuple(exporters.split()),
                  task="text-generation-with-past", **options)  # fmt: skip


FAMILIES = [
    family("moe-dense", lambda: moe(False), moe_sites, "ts17", golden=True),
    family("moe-looped", lambda: moe(True), moe_sites, "ts17 dynamo18"),
    family("mixtral", mixtral, mixtral_sites, "optimum"),
]  # fmt: skip
