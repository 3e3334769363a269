"""PyTorch's two exporters, in the ways people call them."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn
from torch.onnx._internal.torchscript_exporter import utils

from models.recipes.onnx_files import TOKEN_AXES, clean, export_onnx, positional_forward

from .job import Job, Product


def export(job: Job, exporter: str, opset: int, external_data: bool = False, eager: bool = False) -> list[Product]:
    """A plain export; `eager` writes attention out, as before opset 14 there is no fused one to translate."""
    model = job.model
    if eager and hasattr(model, "set_attn_implementation"):
        model = copy.deepcopy(model)
        model.set_attn_implementation("eager")
    export_onnx(
        model, job.inputs, job.path(), exporter, opset, job.family.outputs, axes_of(job), external_data
    )
    return [Product(job.path())]


def opset23(job: Job) -> list[Product]:
    """dynamo with ONNX's own Attention, RMSNormalization and RotaryEmbedding.

    The exporter gives RotaryEmbedding cosines of batch 1, which ONNX Runtime takes only where the batch is 1.
    """
    export(job, "dynamo", 23)
    if not any(hasattr(module, "rotary_emb") for module in job.model.modules()):
        return [Product(job.path())]
    row = {name: value[:1] for name, value in job.inputs.items()}
    with torch.no_grad():
        expected = job.model(**row)[0]
    return [Product(job.path(), inputs=row, expected=expected, comparable=False, note="runs with batch 1 only")]


def functions_of_modules(job: Job) -> list[Product]:
    """TorchScript with `export_modules_as_functions`: linear layers, norms and activations are model-local functions."""
    kinds = {
        type(module)
        for module in job.model.modules()
        if isinstance(module, (nn.Linear, nn.LayerNorm))
        or type(module).__name__.endswith(("Activation", "Conv1D", "RMSNorm", "MLP"))
    }
    model = copy.deepcopy(job.model)  # the exporter leaves hooks behind
    if hasattr(model, "config"):
        model.config.use_cache = False
    with positional_forward(model, list(job.inputs)), no_attributes():
        torch.onnx.export(
            model, tuple(job.inputs.values()), str(job.path()), dynamo=False, opset_version=17,
            input_names=list(job.inputs), output_names=list(job.family.outputs),
            dynamic_axes=axes_of(job), export_modules_as_functions=kinds,
        )  # fmt: skip
    clean(job.path(), axes_of(job))
    return [Product(job.path())]


@contextmanager
def no_attributes() -> Iterator[None]:
    """The exporter wants modules' class attributes as function attributes, and stops at those of transformers."""
    kept = utils._get_module_attributes
    utils._get_module_attributes = lambda _module: {}
    try:
        yield
    finally:
        utils._get_module_attributes = kept


def unfolded(job: Job) -> list[Product]:
    """TorchScript in the mode that keeps BatchNormalization nodes."""
    with positional_forward(job.model, list(job.inputs)):
        torch.onnx.export(
            job.model, tuple(job.inputs.values()), str(job.path()), dynamo=False, opset_version=17,
            input_names=list(job.inputs), output_names=list(job.family.outputs), dynamic_axes=axes_of(job),
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        )  # fmt: skip
    clean(job.path(), axes_of(job))
    return [Product(job.path())]


def without_optimisation(job: Job) -> list[Product]:
    """dynamo with `optimize=False`: nothing folded, Constant nodes and Transposes of weights stay."""
    axes = axes_of(job)
    if hasattr(job.model, "config"):
        job.model.config.use_cache = False
    shapes = {name: {axis: torch.export.Dim.DYNAMIC for axis in axes.get(name, {})} for name in job.inputs}
    torch.onnx.export(
        job.model, (), str(job.path()), kwargs=job.inputs, dynamo=True, opset_version=18,
        input_names=list(job.inputs), output_names=list(job.family.outputs), dynamic_shapes=shapes,
        external_data=False, verbose=False, optimize=False,
    )  # fmt: skip
    clean(job.path(), axes)
    return [Product(job.path())]


def axes_of(job: Job) -> dict[str, dict[int, str]]:
    """Dynamic axes of the family."""
    return job.family.axes or {name: TOKEN_AXES for name in (*job.inputs, *job.family.outputs)}


EXPORTERS: dict[str, Callable[[Job], list[Product]]] = {
    "ts13": partial(export, exporter="torchscript", opset=13, eager=True),
    "ts17": partial(export, exporter="torchscript", opset=17),
    "ts20": partial(export, exporter="torchscript", opset=20),
    "dynamo18": partial(export, exporter="dynamo", opset=18),
    "dynamo20": partial(export, exporter="dynamo", opset=20),
    "dynamo23": opset23,
    "dynamo18eager": partial(export, exporter="dynamo", opset=18, eager=True),
    "ts17eager": partial(export, exporter="torchscript", opset=17, eager=True),
    "ts17ext": partial(export, exporter="torchscript", opset=17, external_data=True),
    "ts17functions": functions_of_modules,
    "ts17unfolded": unfolded,
    "dynamo18raw": without_optimisation,
}
