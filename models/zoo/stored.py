"""A tensor stored in an ONNX file, as numbers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stored:
    """`scope` is the path of the nodes whose nested graphs lead to it."""

    name: str
    scope: str
    values: np.ndarray
    #: How far its values may be from the weight it came from; by default what its type rounds.
    tolerance: float | None = None
    #: For each axis of `values` the axis of the tensor in the file, `None` where it has none; by default the same.
    axes: tuple[int | None, ...] | None = None
