"""Small inputs, always the same."""

import torch

from models.recipes.onnx_files import Inputs

VOCABULARY = 64


def tokens(prefix: str = "", length: int = 12) -> Inputs:
    """Ids and mask `[2, length]`, the second row padded at its end."""
    ids = (torch.arange(2 * length).reshape(2, length) * 37 + 5) % (VOCABULARY - 4) + 3
    mask = torch.ones_like(ids)
    mask[1, -length // 3 :] = 0
    return {f"{prefix}input_ids": ids, f"{prefix}attention_mask": mask}


def token_types() -> Inputs:
    """Ids, mask and segments."""
    inputs = tokens()
    return inputs | {"token_type_ids": torch.zeros_like(inputs["input_ids"])}


def pixels(size: int = 16, channels: int = 3) -> Inputs:
    """Images `[2, channels, size, size]`."""
    generator = torch.Generator().manual_seed(7)
    return {"pixel_values": torch.randn(2, channels, size, size, generator=generator)}


def features(width: int = 10, rows: int = 24) -> Inputs:
    """Rows `[rows, width]`."""
    return {"x": torch.randn(rows, width, generator=torch.Generator().manual_seed(8))}
