"""Writing an ONNX graph node by node."""

from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

MICROSOFT = "com.microsoft"


class GraphBuilder:
    """Collects nodes and initializers; every method returns the name of a value."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, onnx.TensorProto] = {}

    def node(self, op: str, *inputs: str, domain: str = "", outputs: int = 1, name: str = "", **attributes: object):
        """A node; with several outputs a tuple of their names."""
        name = name or f"{op}_{len(self.nodes)}"
        results = [f"{name}_output_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), results, name=name, domain=domain, **attributes))
        return results[0] if outputs == 1 else tuple(results)

    def weight(self, name: str, values: torch.Tensor) -> str:
        """An initializer."""
        self.weights[name] = numpy_helper.from_array(values.detach().contiguous().numpy(), name)
        return name

    def integers(self, name: str, values: list[int], kind: torch.dtype = torch.int64) -> str:
        return self.weight(name, torch.tensor(values, dtype=kind))

    def linear(self, x: str, name: str, module: torch.nn.Module, bias: bool = True) -> str:
        """MatMul with the weight as [in, out], and Add where there is a bias."""
        y = self.node("MatMul", x, self.weight(f"{name}.weight", module.weight.T), name=f"/{name}/MatMul")
        if module.bias is None or not bias:
            return y
        return self.node("Add", y, self.weight(f"{name}.bias", module.bias), name=f"/{name}/Add")

    def save(self, path: Path, inputs: dict[str, list], logits: str, opset: int) -> None:
        """Token inputs (int64), one output; with the operators of ONNX Runtime."""
        self.nodes.append(helper.make_node("Identity", [logits], ["logits"]))
        graph = helper.make_graph(
            self.nodes, "handmade",
            [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", "vocabulary"])],
            list(self.weights.values()),
        )  # fmt: skip
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="handmade"), path)
