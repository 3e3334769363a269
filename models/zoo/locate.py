"""Which initializer of an ONNX file holds a PyTorch parameter: found by value."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from .quantized import dequantized
from .sites import Weight
from .stored import Stored


def stored_tensors(path: Path) -> list[Stored]:
    """All initializers and Constant nodes, also of nested graphs and local functions."""
    model = onnx.load(path)
    found = [*of_graph(model.graph, ""), *dequantized(model.graph)]
    for function in model.functions:
        found += constants(function.node, function.name)
    return [tensor for tensor in found if tensor.values.dtype.kind == "f"]


def of_graph(graph: onnx.GraphProto, scope: str) -> Iterator[Stored]:
    for tensor in graph.initializer:
        yield Stored(tensor.name, scope, numpy_helper.to_array(tensor))
    yield from constants(graph.node, scope)


def constants(nodes: list[onnx.NodeProto], scope: str) -> Iterator[Stored]:
    for node in nodes:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value" and attribute.t.data_type:
                yield Stored(node.output[0], scope, numpy_helper.to_array(attribute.t))
            if attribute.type == onnx.AttributeProto.GRAPH:
                inner = f"{scope}/{node.name}/{attribute.name}".strip("/")
                yield from of_graph(attribute.g, inner)


def locate(weight: Weight, tensors: list[Stored]) -> dict[str, object] | None:
    """The weight's entry in `sites.json`, or `None` where no tensor has its values."""
    found = find(weight.tensor, tensors)
    if found is None and weight.alternative:
        tensor, bias = weight.alternative
        return locate(replace(weight, tensor=tensor, bias=bias, alternative=None), tensors)
    if found is None:
        return None
    stored, transposed = found
    axis = weight.tensor.ndim - 1 - weight.axis if transposed else weight.axis
    axis = axis if stored.axes is None else stored.axes[axis]
    if axis is None:
        return None
    entry: dict[str, object] = {"role": weight.role, "initializer": stored.name, "axis": axis, "bias": None}
    if weight.bias is not None:
        bias = find(weight.bias, tensors)
        entry["bias"] = bias[0].name if bias else None
        if bias is None and bool((weight.bias != 0).any()):
            return None
    if stored.scope:
        entry["scope"] = stored.scope
    if weight.rows:
        entry["rows"] = list(weight.rows)
    return entry


def find(tensor: torch.Tensor, tensors: list[Stored]) -> tuple[Stored, bool] | None:
    """The stored tensor with these values, and whether it holds the transpose; exact before nearly equal."""
    wanted = tensor.detach().numpy()
    for same in (equal, nearly_equal):
        for transposed, values in ((False, wanted), (True, wanted.T)):
            if transposed and wanted.ndim < 2:
                continue
            for stored in tensors:
                if stored.values.shape == values.shape and same(stored, values):
                    return stored, transposed
    return None


def equal(stored: Stored, values: np.ndarray) -> bool:
    return np.array_equal(stored.values, values)


def nearly_equal(stored: Stored, values: np.ndarray) -> bool:
    """Equal up to quantization, the rounding of float16, or that of a folded BatchNorm."""
    rounding = 2e-3 if stored.values.dtype == np.float16 else 1e-5
    difference = np.abs(stored.values.astype(np.float32) - values)
    return bool((difference <= (stored.tolerance or rounding * (1 + np.abs(values)))).all())
