"""Does a file compute what PyTorch computes? Its outputs, and every tensor inside it."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from models.recipes.onnx_files import Inputs

Feeds = dict[str, np.ndarray]


def feeds_for(session: onnxruntime.InferenceSession, inputs: Inputs) -> Feeds:
    """The inputs the file asks for; floats are halved where it wants float16."""
    feeds = {}
    for argument in session.get_inputs():
        value = inputs[argument.name].numpy()
        feeds[argument.name] = value.astype(np.float16) if argument.type == "tensor(float16)" else value
    return feeds


def open_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """On the CPU, one thread, nothing fused."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def output_difference(path: Path, inputs: Inputs, expected: torch.Tensor) -> float:
    """Largest difference of the first output between ONNX Runtime, as a user runs it, and PyTorch."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    actual = session.run(None, feeds_for(session, inputs))[0].astype(np.float32)
    return float(np.abs(actual - expected.detach().numpy()).max())


def inner_tensors(path: Path, inputs: Inputs) -> Feeds:
    """Every float tensor of the main graph, by running the file with all of them as outputs."""
    model = onnx.load(path)
    known = {value.name for value in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
                known.add(name)
    session = open_session(model.SerializeToString())
    names = [argument.name for argument in session.get_outputs()]
    values = session.run(names, feeds_for(session, inputs))
    return {
        name: value.astype(np.float32)
        for name, value in zip(names, values, strict=True)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }


def tensors_equal_to(activation: np.ndarray, tensors: Feeds, tolerance: float) -> list[str]:
    """Names of the tensors with the values of `[..., neurons]`, in that order or with the neurons on axis 1."""
    found = []
    for name, value in tensors.items():
        if value.size != activation.size:
            continue
        orders = [value]
        if value.ndim > 2 and value.shape[1] == activation.shape[-1]:
            orders.append(np.moveaxis(value, 1, -1))
        if any(np.abs(order.reshape(-1) - activation.reshape(-1)).max() <= tolerance for order in orders):
            found.append(name)
    return found
