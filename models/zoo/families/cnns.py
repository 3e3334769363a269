"""Convolutional networks, where a neuron is a channel: a plain CNN and a ResNet with both kinds of block."""

import torch
from torch import nn

from ..family import Family
from ..inputs import pixels
from ..sites import Site, Tap, incoming, outgoing, site_id
from .folding import folded


class Cnn(nn.Module):
    """Convolution with BatchNorm, pooling, convolution, strided depthwise and pointwise convolution, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1, self.act1 = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        self.conv2, self.act2 = nn.Conv2d(8, 12, 3, padding=1), nn.ReLU()
        self.depthwise, self.norm3 = nn.Conv2d(12, 12, 3, stride=2, padding=1, groups=12, bias=False), nn.BatchNorm2d(12)
        self.act3 = nn.ReLU6()
        self.pointwise, self.act4 = nn.Conv2d(12, 16, 1), nn.SiLU()
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.act5, self.fc2 = nn.Linear(16 * 2 * 2, 20), nn.ReLU(), nn.Linear(20, 3)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.act1(self.norm1(self.conv1(pixel_values))))
        x = self.act2(self.conv2(x))
        x = self.act3(self.norm3(self.depthwise(x)))
        x = self.pool(self.act4(self.pointwise(x)))
        return self.fc2(self.act5(self.fc1(x.flatten(1))))


def cnn_sites(model: Cnn) -> list[Site]:
    """A layer is an activation function. What follows a flattening doesn't count neurons any more: no `out` there."""
    none = nn.Identity()
    layers = [
        (model.conv1, model.norm1, model.act1, "relu", model.conv2),
        (model.conv2, none, model.act2, "relu", model.depthwise),
        (model.depthwise, model.norm3, model.act3, "relu6", model.pointwise),
        (model.pointwise, none, model.act4, "silu", None),
        (model.fc1, none, model.act5, "relu", model.fc2),
    ]
    sites = []
    for layer, (conv, norm, act, name, after) in enumerate(layers):
        axis = -1 if isinstance(conv, nn.Linear) else 1
        into = folded(incoming("in", conv), norm)
        following = layers[layer + 1][1] if after is not None and layer + 1 < len(layers) else none
        out = [] if after is None else [folded(outgoing(after), following)]
        sites += both_ends(layer, name, act, [into], out, axis=axis)
    return sites


class GroupNormCnn(nn.Module):
    """Two convolutions with GroupNorm and InstanceNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1, self.act1 = nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU()
        self.conv2, self.norm2, self.act2 = nn.Conv2d(8, 12, 3, padding=1), nn.InstanceNorm2d(12, affine=True), nn.ReLU()
        self.head = nn.Linear(12, 3)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        x = self.act1(self.norm1(self.conv1(pixel_values)))
        return self.head(self.act2(self.norm2(self.conv2(x))).mean((2, 3)))


def group_norm_sites(model: GroupNormCnn) -> list[Site]:
    first, second = incoming("in", model.conv1), incoming("in", model.conv2)
    return [
        *both_ends(0, "relu", model.act1, [first], [outgoing(model.conv2)]),
        *both_ends(1, "relu", model.act2, [second], [outgoing(model.head)]),
    ]


class Block(nn.Module):
    """ResNet's basic block, or its bottleneck: 1x1, 3x3, 1x1."""

    def __init__(self, inside: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        kernels = [(inside, width // 4, 1, 1), (width // 4, width // 4, 3, stride), (width // 4, width, 1, 1)]
        if not bottleneck:
            kernels = [(inside, width, 3, stride), (width, width, 3, 1)]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False) for a, b, kernel, step in kernels
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(conv.out_channels) for conv in self.convs)
        self.acts = nn.ModuleList(nn.ReLU() for _ in self.convs)
        self.shortcut = self.shortcut_norm = None
        if stride > 1 or inside != width:
            self.shortcut = nn.Conv2d(inside, width, 1, stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))
        for conv, norm, act in zip(self.convs[:-1], self.norms[:-1], self.acts[:-1], strict=True):
            x = act(norm(conv(x)))
        return self.acts[-1](self.norms[-1](self.convs[-1](x)) + skip)


class ResNet(nn.Module):
    """Stem, a basic block, a basic block with a projected shortcut, a bottleneck block, pooling, classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.blocks = nn.ModuleList([Block(8, 8, 1, False), Block(8, 16, 2, False), Block(16, 16, 1, True)])
        self.head = nn.Linear(16, 3)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.act(self.norm(self.conv(pixel_values))))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


def resnet_sites(model: ResNet) -> list[Site]:
    """Layer 0 is the stem, then each residual block is one; its activation functions are parts act1, act2, …"""
    first = folded(incoming("in", model.conv), model.norm)
    sites = both_ends(0, "relu", model.act, [first], [])
    for layer, block in enumerate(model.blocks, 1):
        for index, act in enumerate(block.acts):
            into = [folded(incoming("in", block.convs[index]), block.norms[index])]
            last = index + 1 == len(block.acts)
            if last and block.shortcut is not None:
                into.append(folded(incoming("in", block.shortcut), block.shortcut_norm))
            out = [] if last else [folded(outgoing(block.convs[index + 1]), block.norms[index + 1])]
            sites += both_ends(layer, "relu", act, into, out, f"act{index + 1}")
    return sites


def both_ends(layer: int, name: str, act: nn.Module, into: list, out: list, part: str = "", axis: int = 1) -> list[Site]:
    return [
        Site(site_id(layer, "mlp_pre", part=part), name, Tap(act, "input", axis), into),
        Site(site_id(layer, "mlp_post", part=part), name, Tap(act, "output", axis), [*into, *out]),
    ]


def image_model(name: str, make, sites, exporters: str, **options) -> Family:
    axes = {name: {0: "batch"} for name in ("pixel_values", "logits")}
    return Family(name, name, "cnn", make, pixels, sites, tuple(exporters.split()), axes=axes, **options)


FAMILIES = [
    image_model("cnn", Cnn, cnn_sites, "ts17 dynamo18 ts17unfolded qdq", golden=True),
    image_model("cnn-groupnorm", GroupNormCnn, group_norm_sites, "ts13 ts17 dynamo18", golden=True),
    image_model("resnet", ResNet, resnet_sites, "ts13 ts17 dynamo18 ts17unfolded fp16 qdq", golden=True),
]  # fmt: skip
