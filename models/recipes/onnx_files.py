"""Writing ONNX files: both exporters, no local paths inside, checked against PyTorch."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

Inputs = dict[str, torch.Tensor]

DEFAULT_OPSET = {"torchscript": 17, "dynamo": 20}

#: What of the dynamo exporter's notes on a node stays: which module it comes from. The rest is
#: `stack_trace`, with local file paths, and the same once more in other words.
KEPT_METADATA = ("pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy")

#: Axis names of token inputs `[batch, sequence]`.
TOKEN_AXES = {0: "batch", 1: "sequence"}


def export_onnx(
    model: torch.nn.Module,
    inputs: Inputs,
    path: Path,
    exporter: str = "torchscript",
    opset: int | None = None,
    outputs: tuple[str, ...] = ("logits",),
    axes: dict[str, dict[int, str]] | None = None,
    external_data: bool = False,
) -> None:
    """Export `model` with named inputs; `axes` names the dynamic axes, by default those of token ids."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opset = opset or DEFAULT_OPSET[exporter]
    axes = axes or {name: TOKEN_AXES for name in (*inputs, *outputs)}
    if hasattr(model, "config"):
        model.config.use_cache = False
    common = {"input_names": list(inputs), "output_names": list(outputs), "opset_version": opset}
    if exporter == "torchscript":
        with positional_forward(model, list(inputs)):
            torch.onnx.export(
                model, tuple(inputs.values()), str(path), dynamo=False,
                dynamic_axes=axes, **common,
            )  # fmt: skip
    else:
        shapes = {name: {axis: torch.export.Dim.DYNAMIC for axis in axes[name]} for name in inputs}
        torch.onnx.export(
            model, (), str(path), kwargs=inputs, dynamo=True, dynamic_shapes=shapes,
            external_data=False, verbose=False, **common,
        )  # fmt: skip
    clean(path, axes, external_data)


@contextmanager
def positional_forward(model: torch.nn.Module, names: list[str]) -> Iterator[None]:
    """For the time of an export `model(*tensors)` takes just these inputs.

    The TorchScript exporter makes an ONNX input of every other argument of `forward` that has an
    integer default (`logits_to_keep`); a wrapping module would change all names in the file.
    """
    forward = model.forward
    model.forward = lambda *tensors: forward(**dict(zip(names, tensors, strict=True)))
    try:
        yield
    finally:
        del model.forward


def clean(path: Path, axes: dict[str, dict[int, str]], external_data: bool = False) -> None:
    """Take local file paths out of the file, name its dynamic axes, and check it."""
    model = onnx.load(path)
    for graph in [model.graph, *model.functions]:
        for node in graph.node:
            kept = [entry for entry in node.metadata_props if entry.key in KEPT_METADATA]
            del node.metadata_props[:]
            node.metadata_props.extend(kept)
            node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output]:
        for axis, name in axes.get(value.name, {}).items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    save(model, path, external_data)


def save(
    model: onnx.ModelProto, path: Path, external_data: bool = False, check: bool = True
) -> None:
    """Write and check a model; with `external_data` its weights go to `<name>.onnx.data`.

    A model with operators of `com.microsoft` is not for the ONNX checker.
    """
    location = path.name + ".data"
    if external_data:
        (path.parent / location).unlink(missing_ok=True)
    onnx.save_model(
        model, path, save_as_external_data=external_data, all_tensors_to_one_file=True,
        location=location, size_threshold=256,
    )  # fmt: skip
    if external_data:
        (path.parent / location).chmod(0o644)
    if check:
        onnx.checker.check_model(str(path))


def max_abs_difference(model: torch.nn.Module, inputs: Inputs, path: Path) -> float:
    """The largest difference of the first output between ONNX Runtime and PyTorch."""
    with torch.no_grad():
        result = model(**inputs)
    expected = result if isinstance(result, torch.Tensor) else result[0]
    actual = run(path, inputs)[0].astype(np.float32)
    return float(np.abs(actual - expected.numpy()).max())


def run(path: Path, inputs: Inputs, optimise: bool = True) -> list[np.ndarray]:
    """The outputs of a file on the CPU; float inputs are halved where the file wants float16."""
    options = onnxruntime.SessionOptions()
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    types = {argument.name: argument.type for argument in session.get_inputs()}
    feeds = {name: inputs[name].numpy() for name in types}
    for name, kind in types.items():
        if kind == "tensor(float16)":
            feeds[name] = feeds[name].astype(np.float16)
    return session.run(None, feeds)
