"""What a family of the zoo is: a model, its inputs, its sites, and the exporters it goes through."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from models.recipes.onnx_files import Inputs

from .sites import Site


@dataclass(frozen=True)
class Family:
    """All files of a family hold the same weights and have the same sites."""

    name: str
    architecture: str
    kind: str  # decoder, encoder, encoder-decoder, vision, audio, cnn, mlp, graph
    make: Callable[[], torch.nn.Module]
    inputs: Callable[[], Inputs]
    sites: Callable[[torch.nn.Module], list[Site]]
    exporters: tuple[str, ...]
    outputs: tuple[str, ...] = ("logits",)
    #: Dynamic axes of inputs and outputs; by default those of token ids.
    axes: dict[str, dict[int, str]] | None = None
    #: Which input masks the positions of a stack.
    masks: dict[str, str] = field(default_factory=lambda: {"": "attention_mask"})
    #: For ONNX Runtime's optimizer: its model type, heads and width.
    fuse_as: tuple[str, int, int] | None = None
    #: The task optimum exports.
    task: str | None = None
    golden: bool = False
