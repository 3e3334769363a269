"""BatchNorm folded into the layer before it, as exporters do."""

from dataclasses import replace

import torch
from torch import nn

from ..sites import Weight


def folded(weight: Weight, norm: nn.Module) -> Weight:
    """The weight with its folded form as an alternative: W γ / √(σ² + ε), (b − μ) γ / √(σ² + ε) + β."""
    if not isinstance(norm, nn.modules.batchnorm._BatchNorm):
        return weight
    with torch.no_grad():
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shape = [-1] + [1] * (weight.tensor.ndim - 1)
        bias = 0 if weight.bias is None else weight.bias
        bias = None if weight.role == "out" else (bias - norm.running_mean) * scale + norm.bias
        return replace(weight, alternative=(weight.tensor * scale.reshape(shape), bias))
