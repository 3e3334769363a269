"""Quantized weights read back as numbers, so that they can be recognised by value like any other."""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from .stored import Stored

#: Rounding costs half a step, clipping at the largest 4-bit code a whole one.
STEPS = 1.1


def dequantized(graph: onnx.GraphProto) -> Iterator[Stored]:
    """Integer initializers `<name>_quantized` with a scale beside them, and the weights of MatMulNBits."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for name, values in arrays.items():
        base = name.removesuffix("_quantized")
        scale = arrays.get(f"{name}_scale", arrays.get(f"{base}_scale"))
        zero = arrays.get(f"{name}_zero_point", arrays.get(f"{base}_zero_point", np.zeros(())))
        if name != base and scale is not None and values.dtype.kind in "iu":
            yield from per_axis(name, values.astype(np.float32), scale, zero.astype(np.float32))
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            yield four_bit(node, arrays)


def per_axis(name: str, values: np.ndarray, scale: np.ndarray, zero: np.ndarray) -> Iterator[Stored]:
    """One scale, or one for each index of an axis: all axes that fit are tried."""
    axes = [None] if scale.size == 1 else [a for a, length in enumerate(values.shape) if length == scale.size]
    for axis in axes:
        shape = [1] * values.ndim if axis is None else [-1 if a == axis else 1 for a in range(values.ndim)]
        wide, offset = scale.reshape(shape), zero.reshape(shape if zero.size > 1 else [1] * values.ndim)
        yield Stored(name, "", (values - offset) * wide, tolerance=STEPS * float(scale.max()))


def four_bit(node: onnx.NodeProto, arrays: dict[str, np.ndarray]) -> Stored:
    """B `[N, K / block, block / 2]`, low nibble first; its axis 0 counts the layer's outputs, its inputs have no axis."""
    block, outputs, inputs = (attribute(node, name) for name in ("block_size", "N", "K"))
    packed = arrays[node.input[1]]
    codes = np.stack([packed & 15, packed >> 4], -1).reshape(outputs, -1, block).astype(np.float32)
    scales = arrays[node.input[2]].reshape(outputs, -1, 1)
    zeros = 8.0
    if len(node.input) > 3 and node.input[3]:
        nibbles = arrays[node.input[3]].reshape(outputs, -1)
        zeros = np.stack([nibbles & 15, nibbles >> 4], -1).reshape(outputs, -1)[:, : scales.shape[1], None]
    values = ((codes - zeros) * scales).reshape(outputs, -1)[:, :inputs]
    return Stored(node.input[1], "", values, STEPS * float(np.abs(scales).max()), axes=(0, None))


def attribute(node: onnx.NodeProto, name: str) -> int:
    return next(attribute.i for attribute in node.attribute if attribute.name == name)
