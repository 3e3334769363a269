"""Sites as the PyTorch modules define them: id, where the activation is, which weights feed each neuron.

Nothing here looks at an ONNX file or at what the auditor finds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import nn


@dataclass(frozen=True)
class Tap:
    """Where PyTorch has an activation: at a module's input or output, at its n-th call."""

    module: nn.Module
    end: str  # "input" or "output"
    axis: int = -1  # of the neurons
    call: int = 0
    neurons: tuple[int, int] | None = None  # [start, end) where only a part of the axis is the site
    then: Callable[[torch.Tensor], torch.Tensor] | None = None  # a function that no module computes


@dataclass(frozen=True)
class Weight:
    """A parameter behind a site; `axis` counts neurons, `rows` says which indices of it where several are packed."""

    role: str  # "in" or "gate" and "up" feed the neurons, "out" is fed by them
    tensor: torch.Tensor
    axis: int
    bias: torch.Tensor | None = None
    rows: tuple[int, int] | None = None
    #: Weight and bias as they are in a file where a BatchNorm was folded in.
    alternative: tuple[torch.Tensor, torch.Tensor | None] | None = None


@dataclass(frozen=True)
class Site:
    """A site as an auditor should find it; `reason` says why there are no weights."""

    id: str
    activation: str | None
    tap: Tap
    weights: list[Weight] = field(default_factory=list)
    reason: str | None = None


def site_id(layer: int, site: str, stack: str = "", part: str = "") -> str:
    """`[stack.]layer.site[.part]`."""
    return ".".join(piece for piece in (stack, str(layer), site, part) if piece)


def attention(layer: int, projection: nn.Module, stack: str = "", part: str = "", call: int = 0) -> Site:
    """`attn_out`: the output of attention's last linear layer."""
    tap = Tap(projection, "output", call=call)
    return Site(site_id(layer, "attn_out", stack, part), None, tap, [incoming("in", projection)])


def mlp(
    layer: int, activation: str, first: nn.Module, last: nn.Module | None,
    stack: str = "", part: str = "", call: int = 0, axis: int = -1,
    pre: Tap | None = None, post: Tap | None = None,
) -> list[Site]:  # fmt: skip
    """`mlp_pre` and `mlp_post` of linear layer, activation, linear layer.

    By default the activation function's input is the output of `first` and its output the input of `last`.
    """
    into = incoming("in", first)
    out = [outgoing(last)] if last is not None else []
    return [
        Site(site_id(layer, "mlp_pre", stack, part), activation,
             pre or Tap(first, "output", axis, call), [into]),
        Site(site_id(layer, "mlp_post", stack, part), activation,
             post or Tap(last, "input", axis, call), [into, *out]),
    ]  # fmt: skip


def gated_mlp(
    layer: int, activation: str, gate: nn.Module, up: nn.Module, down: nn.Module,
    stack: str = "", part: str = "",
) -> list[Site]:  # fmt: skip
    """`mlp_pre` is the gate before its activation, `mlp_post` the product that enters `down`."""
    gate_weight = incoming("gate", gate)
    return [
        Site(site_id(layer, "mlp_pre", stack, part), activation, Tap(gate, "output"), [gate_weight]),
        Site(site_id(layer, "mlp_post", stack, part), activation, Tap(down, "input"),
             [gate_weight, incoming("up", up), outgoing(down)]),
    ]  # fmt: skip


def packed_gated_mlp(layer: int, activation: str, gate_up: nn.Module, down: nn.Module) -> list[Site]:
    """A gated MLP whose gate and up projections are the two halves of one matrix."""
    width = down.weight.shape[1]
    packed = incoming("gate", gate_up)
    gate = replace(packed, rows=(0, width))
    up = replace(packed, role="up", rows=(width, 2 * width))
    pre = Tap(gate_up, "output", neurons=(0, width))
    return [
        Site(site_id(layer, "mlp_pre"), activation, pre, [gate]),
        Site(site_id(layer, "mlp_post"), activation, Tap(down, "input"), [gate, up, outgoing(down)]),
    ]


def incoming(role: str, module: nn.Module) -> Weight:
    """The weight of a layer whose outputs are the neurons."""
    return Weight(role, module.weight, 1 if is_conv1d(module) else 0, module.bias)


def outgoing(module: nn.Module) -> Weight:
    """The weight of a layer whose inputs are the neurons."""
    depthwise = isinstance(module, nn.Conv2d) and module.groups > 1
    return Weight("out", module.weight, 0 if is_conv1d(module) or depthwise else 1)


def is_conv1d(module: nn.Module) -> bool:
    """GPT-2's linear layer, which keeps its weight as [in, out]."""
    return type(module).__name__ == "Conv1D"
