"""Tensors inside a model, made outputs of the model."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import AttributeProto, GraphProto, helper

BYTES_AT_ONCE = 600_000_000


class Exposed:
    """Runs a model with the named tensors as further outputs.

    Each tensor gets a further consumer, whose value is fetched: a tensor that is itself an output changes what ONNX
    Runtime fuses, and so the last bit of the numbers. Tensors inside the branches of an If leave through the If.
    """

    def __init__(self, path: Path, tensors: list[str]):
        self.tensors = tensors
        self.model = onnx.load(path)
        graph = self.model.graph
        self.found = {name: expose(graph, name) for name in tensors}
        for at, name in enumerate(tensors):
            if self.found[name] is None:
                continue
            graph.node.append(helper.make_node("Shape", [self.found[name]], [f"_shape{at}"]))
            graph.node.append(helper.make_node("ReduceMax", [self.found[name]], [f"_max{at}"], keepdims=0))
            graph.output.extend(onnx.ValueInfoProto(name=each) for each in (f"_shape{at}", f"_max{at}"))

    def values(self, feeds: dict[str, np.ndarray]):
        """Yields (name, array) of every tensor that there is, a few at a time."""
        present = [at for at, name in enumerate(self.tensors) if self.found[name] is not None]
        if not present:
            return
        shapes = open_session(self.model).run([f"_shape{at}" for at in present], feeds)
        sizes = {at: 4 * int(np.prod(shape)) for at, shape in zip(present, shapes, strict=True)}
        group: list[int] = []
        for at in present:
            if group and sum(sizes[each] for each in [*group, at]) > BYTES_AT_ONCE:
                yield from self._fetch(group, feeds)
                group = []
            group.append(at)
        yield from self._fetch(group, feeds)

    def _fetch(self, group: list[int], feeds: dict[str, np.ndarray]):
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        for at in group:
            model.graph.node.append(
                helper.make_node("Flatten", [self.found[self.tensors[at]]], [f"_flat{at}"], axis=0)
            )
            model.graph.output.append(onnx.ValueInfoProto(name=f"_flat{at}"))
        names = [name for at in group for name in (f"_shape{at}", f"_flat{at}")]
        results = dict(zip(names, open_session(model).run(names, feeds), strict=True))
        for at in group:
            yield self.tensors[at], results[f"_flat{at}"].reshape(results[f"_shape{at}"])


def open_session(model: onnx.ModelProto | Path) -> onnxruntime.InferenceSession:
    """As the auditor opens it: all optimizations, denormals as zero; one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    content = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def expose(graph: GraphProto, name: str) -> str | None:
    """Returns the name under which the tensor can be read in the graph; None where there is none of that name."""
    if any(name in node.output for node in graph.node) or any(name == value.name for value in graph.input):
        return name
    for node in graph.node:
        branches = [each.g for each in node.attribute if each.type == AttributeProto.GRAPH]
        if node.op_type != "If":
            continue
        inner = [expose(branch, name) for branch in branches]
        if not any(inner):
            continue
        outside = f"{name}/outside{len(node.output)}"
        for branch, found in zip(branches, inner, strict=True):
            through(branch, found, f"{outside}/{branch.name}")
        node.output.append(outside)
        return outside
    return None


def through(branch: GraphProto, found: str | None, outside: str) -> None:
    """Adds an output to a branch: the tensor, or nothing where only the other branch has it."""
    if found is None:
        nothing = helper.make_tensor("nothing", onnx.TensorProto.FLOAT, [0], [])
        branch.node.append(helper.make_node("Constant", [], [outside], value=nothing))
    else:
        branch.node.append(helper.make_node("Identity", [found], [outside]))
    branch.output.append(onnx.ValueInfoProto(name=outside))
