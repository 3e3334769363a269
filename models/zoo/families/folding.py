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
        shape = [-1 if axis == weight.axis else 1 for axis in range(weight.tensor.ndim)]
        bias = 0 if weight.bias is None else weight.bias
        return replace(
            weight,
            alternative=(weight.tensor * scale.reshape(shape), (bias - norm.running_mean) * scale + norm.bias),
        )
