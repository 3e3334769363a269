"""What an exporter is given and what it returns."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import torch

from models.recipes.onnx_files import Inputs

from ..family import Family


class Unavailable(Exception):
    """The exporter needs a package that is not installed here."""


@dataclass(frozen=True)
class Product:
    """A file, and in what it differs from the plain export of its family."""

    path: Path
    #: The file holds only this stack: its sites lose the stack's name. `None`: all sites.
    stack: str | None = None
    #: Largest difference of tensors and outputs from PyTorch that is right for this file.
    tolerance: float = 1e-4
    #: The values inside are those of PyTorch, up to `tolerance`, and at the same positions.
    comparable: bool = True
    #: Inputs for a file that does not take the family's, and the first output they should give.
    inputs: Inputs | None = None
    expected: torch.Tensor | None = None
    note: str = ""


@dataclass
class Job:
    """One family on its way through one exporter."""

    family: Family
    model: torch.nn.Module
    inputs: Inputs
    folder: Path
    tag: str = ""
    scratch: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="zoo-")))

    def path(self, suffix: str = "") -> Path:
        """`<family>-<exporter>.onnx`."""
        return self.folder / f"{self.family.name}-{self.tag}{suffix}.onnx"

    def plain(self, tag: str) -> Path:
        """Another export of the same model to start from, made on the side."""
        from . import EXPORTERS

        path = self.scratch / f"{self.family.name}-{tag}.onnx"
        if not path.exists():
            side = Job(self.family, self.model, self.inputs, self.scratch, tag, self.scratch)
            EXPORTERS[tag](side)
        return path
