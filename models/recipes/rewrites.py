"""What people do to an exported model: fuse it, halve it, quantise it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.optimizer import optimize_model

from .onnx_files import save

#: Operators that static quantisation puts between QuantizeLinear and DequantizeLinear.
QUANTISED = ["MatMul", "Gemm", "Add", "Mul", "Div", "Gather"]

Feeds = dict[str, np.ndarray]


def fuse(source: Path, target: Path, model_type: str, heads: int, width: int) -> None:
    """ONNX Runtime's transformer fusions: FastGelu, BiasGelu, SkipLayerNormalization, Attention, ..."""
    optimised = optimize_model(
        str(source), model_type=model_type, num_heads=heads, hidden_size=width, opt_level=0
    )
    save(optimised.model, target, check=False)


def halve(source: Path, target: Path) -> None:
    """Weights, inputs and outputs in float16."""
    save(convert_float_to_float16(onnx.load(source), keep_io_types=False), target)


def quantise_weights(source: Path, target: Path) -> None:
    """Dynamic quantisation to int8: MatMulInteger behind DynamicQuantizeLinear."""
    quantize_dynamic(source, target, weight_type=QuantType.QInt8)
    save(onnx.load(target), target, check=False)


def quantise_all(source: Path, target: Path, feeds: Feeds) -> None:
    """Static quantisation to int8, with QuantizeLinear and DequantizeLinear around the arithmetic.

    The attention mask is left out: with its -3e38 a scale says nothing about the other values.
    """
    masks = [node.name for node in onnx.load(source).graph.node if is_mask_sum(node)]
    quantize_static(
        source, target, OneBatch(feeds), quant_format=QuantFormat.QDQ,
        weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8,
        nodes_to_exclude=masks, op_types_to_quantize=QUANTISED,
    )  # fmt: skip
    save(onnx.load(target), target, check=False)


def is_mask_sum(node: onnx.NodeProto) -> bool:
    """Whether a node adds the mask to the attention scores."""
    return node.op_type == "Add" and node.name.endswith("/attention/self/Add")


class OneBatch(CalibrationDataReader):
    """Calibration data of a single batch."""

    def __init__(self, feeds: Feeds) -> None:
        self.batches: Iterator[Feeds] = iter([feeds])

    def get_next(self) -> Feeds | None:
        return next(self.batches, None)
