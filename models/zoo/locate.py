"""Which initializer of an ONNX file holds a PyTorch parameter: found by value."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from .sites import Weight


@dataclass(frozen=True)
class Stored:
    """A tensor in the file; `scope` is the path of the nodes whose nested graphs lead to it."""

    name: str
    scope: str
    values: np.ndarray


def stored_tensors(path: Path) -> list[Stored]:
    """All initializers and Constant nodes, also of nested graphs and local functions."""
    model = onnx.load(path)
    found = list(of_graph(model.graph, ""))
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
    rank = weight.tensor.ndim
    entry: dict[str, object] = {
        "role": weight.role,
        "initializer": stored.name,
        "axis": rank - 1 - weight.axis if transposed else weight.axis,
        "bias": None,
    }
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
    for same in (np.array_equal, nearly_equal):
        for transposed, values in ((False, wanted), (True, wanted.T)):
            if transposed and wanted.ndim < 2:
                continue
            for stored in tensors:
                if stored.values.shape == values.shape and same(stored.values, values):
                    return stored, transposed
    return None


def nearly_equal(stored: np.ndarray, values: np.ndarray) -> bool:
    """Equal up to the rounding of the stored type (float16) or of a folded BatchNorm."""
    tolerance = 2e-3 if stored.dtype == np.float16 else 1e-5
    return bool(np.allclose(stored.astype(np.float32), values, rtol=tolerance, atol=tolerance))
