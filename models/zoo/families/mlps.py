"""Plain multilayer perceptrons: Gemm, MatMul and Add, BatchNorm, and every activation function."""

from collections import OrderedDict

import torch
from torch import nn

from models.recipes.onnx_files import Inputs

from ..family import Family
from ..inputs import features
from ..sites import Site, Tap, incoming, outgoing, site_id
from .folding import folded


class Fast(nn.Module):
    """GELU as some code writes it: 0.5 x (1 + tanh(0.7978845608 x (1 + 0.044715 x²)))."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.5 * x * (1.0 + torch.tanh(x * 0.7978845608 * (1.0 + 0.044715 * x * x)))


class Quick(nn.Module):
    """x σ(1.702 x)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


class Squared(nn.Module):
    """relu(x)²."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x).square()


#: One layer each, in this order.
ACTIVATIONS = {
    "relu": nn.ReLU(),
    "gelu": nn.GELU(),
    "gelu_tanh": nn.GELU("tanh"),
    "gelu_tanh_fast": Fast(),
    "quick_gelu": Quick(),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "hardswish": nn.Hardswish(),
    "relu_squared": Squared(),
    "relu6": nn.ReLU6(),
    "leaky_relu(0.01)": nn.LeakyReLU(0.01),
    "elu(1)": nn.ELU(),
    "selu": nn.SELU(),
    "celu(2)": nn.CELU(2.0),
    "softplus": nn.Softplus(),
    "softsign": nn.Softsign(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "hardtanh": nn.Hardtanh(),
    "hardsigmoid": nn.Hardsigmoid(),
    "prelu": None,
}
ALIASES = {"gelu_tanh_fast": "gelu_tanh"}
WIDTH = 12


class Mlp(nn.Module):
    """Linear, perhaps BatchNorm, activation, …, Linear."""

    def __init__(self, activations: dict[str, nn.Module], batch_norm: bool = False) -> None:
        super().__init__()
        self.names = [ALIASES.get(name, name) for name in activations]
        self.linears = nn.ModuleList(
            nn.Linear(10 if layer == 0 else WIDTH, WIDTH) for layer in range(len(activations))
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) if batch_norm else nn.Identity() for _ in activations)
        self.acts = nn.ModuleList(activations.values())
        self.head = nn.Linear(WIDTH, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for linear, norm, act in zip(self.linears, self.norms, self.acts, strict=True):
            x = act(norm(linear(x)))
        return self.head(x)


def sites(model: Mlp) -> list[Site]:
    """A layer is an activation function."""
    found = []
    for layer, act in enumerate(model.acts):
        after = outgoing([*model.linears, model.head][layer + 1])
        if layer + 1 < len(model.acts):
            after = folded(after, model.norms[layer + 1])
        into = folded(incoming("in", model.linears[layer]), model.norms[layer])
        name = model.names[layer]
        found += [
            Site(site_id(layer, "mlp_pre"), name, Tap(act, "input"), [into]),
            Site(site_id(layer, "mlp_post"), name, Tap(act, "output"), [into, after]),
        ]
    return found


def sequences() -> Inputs:
    """`[batch, time, features]`: exporters write MatMul and Add instead of Gemm."""
    return {"x": features()["x"].reshape(4, 6, 10)}


def relus(batch_norm: bool = False) -> Mlp:
    return Mlp(OrderedDict(relu=nn.ReLU(), relu_=nn.ReLU()), batch_norm)


def normalised() -> Mlp:
    """With a LayerNorm before each activation function."""
    model = relus()
    model.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in model.norms)
    return model


def named(model: Mlp) -> Mlp:
    model.names = ["relu"] * len(model.names)
    return model


def all_activations() -> Mlp:
    return Mlp({name: act for name, act in ACTIVATIONS.items() if act is not None})


def plain(name: str, make, exporters: str, inputs=features, axes=None, **options) -> Family:
    axes = axes or {"x": {0: "rows"}, "logits": {0: "rows"}}
    return Family(name, "mlp", "mlp", make, inputs, sites, tuple(exporters.split()), axes=axes, **options)


SEQUENCE_AXES = {name: {0: "batch", 1: "time"} for name in ("x", "logits")}
FAMILIES = [
    plain("mlp-gemm", lambda: named(relus()), "ts13 ts17 dynamo18 ts17functions int8 qdq fp16", golden=True),
    plain("mlp-matmul", lambda: named(relus()), "ts17 dynamo18 nbits", inputs=sequences, axes=SEQUENCE_AXES),
    plain("mlp-batchnorm", lambda: named(relus(True)), "ts17 dynamo18", golden=True),
    plain("mlp-layernorm", lambda: named(normalised()), "ts13 ts17 dynamo18", golden=True),
    plain("mlp-activations", all_activations, "ts13 ts17 dynamo18 dynamo20", golden=True),
]  # fmt: skip
