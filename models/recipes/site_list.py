"""Expected sites of an exported file: which initializer holds each neuron's weights, on which axis."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper


@dataclass(frozen=True)
class Weights:
    """One weight matrix of a site: `neuron_axis` is the axis of the PyTorch parameter that counts neurons."""

    role: str  # "in" feeds the neurons, "out" is fed by them
    weight: torch.Tensor
    neuron_axis: int
    bias: torch.Tensor | None = None


@dataclass(frozen=True)
class Site:
    """A site as the auditor should find it."""

    id: str
    neurons: int
    activation: str | None
    weights: list[Weights] = field(default_factory=list)


def write_sites(path: Path, model_path: Path, sites: list[Site], **extra: object) -> None:
    """Find each weight in the ONNX file by its values, and write `sites.json`.

    Throws where a weight is not in the file, so what is written is true of the file.
    """
    initializers = read_initializers(model_path)
    entries = [
        {
            "id": site.id,
            "neurons": site.neurons,
            "activation": site.activation,
            "weights": [locate(weights, initializers) for weights in site.weights],
        }
        for site in sites
    ]
    text = json.dumps({"sites": entries, **extra}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def read_initializers(model_path: Path) -> dict[str, np.ndarray]:
    """Name to array, of the main graph."""
    graph = onnx.load(model_path).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def locate(weights: Weights, initializers: dict[str, np.ndarray]) -> dict[str, object]:
    """The initializer equal to the weight, or to its transpose, and the neurons' axis in it."""
    wanted = weights.weight.detach().numpy()
    name, transposed = find(wanted, initializers)
    bias = None if weights.bias is None else find(weights.bias.detach().numpy(), initializers)[0]
    axis = 1 - weights.neuron_axis if transposed else weights.neuron_axis
    return {"role": weights.role, "initializer": name, "axis": axis, "bias": bias}


def find(wanted: np.ndarray, initializers: dict[str, np.ndarray]) -> tuple[str, bool]:
    """Name of the initializer with these values, and whether it holds the transpose."""
    for transposed, values in ((False, wanted), (True, wanted.T)):
        for name, array in initializers.items():
            if array.shape == values.shape and np.array_equal(array, values):
                return name, transposed and wanted.ndim > 1
    raise ValueError(
        f"Expected an initializer equal to a weight of shape {wanted.shape}, found none"
    )
