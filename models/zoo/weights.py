"""Random weights that depend on nothing but a parameter's name and shape.

So every process, exporter and version of a library gives a family the same numbers.
"""

import zlib

import torch


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Fill all parameters and BatchNorm statistics, and switch to eval mode.

    Matrices get variance 1 / fan-in. Vectors keep their constant start (1 for scales, 0 for biases) plus noise: exporters
    drop zero biases and merge equal ones.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = noise_like(name, parameter)
            if parameter.ndim > 1:
                parameter.copy_(noise * (parameter.shape[0] / parameter.numel()) ** 0.5)
            else:
                constant = parameter.numel() > 1 and bool((parameter == parameter[0]).all())
                parameter.copy_(0.1 * noise + (parameter if constant else 0))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.1 * noise_like(name, buffer))
            elif name.endswith("running_var"):
                buffer.copy_(1 + 0.5 * torch.tanh(noise_like(name, buffer)))
    return model.eval()


def noise_like(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Standard normal numbers seeded with the name."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    return torch.randn(tensor.shape, generator=generator)
