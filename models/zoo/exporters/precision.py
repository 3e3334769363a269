"""What people do to an exported file: fuse it, halve it, quantise it."""

from collections.abc import Callable
from functools import partial

import onnx
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from models.recipes.onnx_files import save
from models.recipes.rewrites import fuse, halve, quantise_all, quantise_weights

from ..check import feeds_for, open_session
from .job import Job, Product

BLOCK = 16
#: Random weights take badly to few bits: a quantized file is only required to run.
QUANTIZED = float("inf")


def fused(job: Job, base: str) -> list[Product]:
    """ONNX Runtime's transformer optimizer."""
    model_type, heads, width = job.family.fuse_as
    fuse(job.plain(base), job.path(), model_type, heads, width)
    return [Product(job.path())]


def half(job: Job, base: str) -> list[Product]:
    """float16 weights, inputs and outputs."""
    halve(job.plain(base), job.path())
    return [Product(job.path(), tolerance=0.1)]


def dynamic_int8(job: Job, base: str) -> list[Product]:
    """`quantize_dynamic`: MatMulInteger behind DynamicQuantizeLinear."""
    plain = job.plain(base)
    quantise_weights(plain, job.path())
    return [Product(job.path(), tolerance=QUANTIZED, comparable=False)]


def static_qdq(job: Job, base: str) -> list[Product]:
    """`quantize_static`: QuantizeLinear and DequantizeLinear around every operator."""
    plain = job.plain(base)
    quantise_all(plain, job.path(), feeds_for(open_session(str(plain)), job.inputs))
    return [Product(job.path(), tolerance=QUANTIZED, comparable=False)]


def four_bit(job: Job, base: str) -> list[Product]:
    """`MatMulNBits`: weights [N, blocks, bytes], so neurons of an incoming weight are on axis 0."""
    plain = job.plain(base)
    quantizer = MatMulNBitsQuantizer(onnx.load(plain), bits=4, block_size=BLOCK, is_symmetric=True)
    quantizer.process()
    save(quantizer.model.model, job.path(), check=False)
    rows = {"in": 0, "gate": 0, "up": 0}
    return [Product(job.path(), tolerance=QUANTIZED, comparable=False)]


EXPORTERS: dict[str, Callable[[Job], list[Product]]] = {
    "fused": partial(fused, base="ts17"),
    "dynamofused": partial(fused, base="dynamo18"),
    "fp16": partial(half, base="ts17"),
    "int8": partial(dynamic_int8, base="ts17"),
    "dynamoint8": partial(dynamic_int8, base="dynamo18"),
    "qdq": partial(static_qdq, base="ts17"),
    "nbits": partial(four_bit, base="ts17"),
}
