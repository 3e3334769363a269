"""The axis of a tensor on which the neurons of the layer that made it lie."""

import onnx

CHANNELS = {
    "Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "FusedConv", "NhwcConv", "BatchNormalization",
    "InstanceNormalization", "GroupNormalization",
}  # fmt: skip
LAST = {"MatMul", "Gemm", "MatMulInteger", "FusedMatMul", "DynamicQuantizeMatMul", "MatMulNBits", "Attention"}


class Axes:
    """Follows tensors of a model upstream to the nearest linear layer."""

    def __init__(self, model: onnx.ModelProto):
        graphs = [model.graph]
        for graph in graphs:
            graphs += [each.g for node in graph.node for each in node.attribute if each.HasField("g")]
        self.producers = {name: node for graph in graphs for node in graph.node for name in node.output}
        self.stored = {tensor.name for graph in graphs for tensor in graph.initializer}

    def axis(self, name: str, shape: tuple[int, ...], neurons: int) -> int | None:
        """Returns the axis, from the operators if they tell, else from the sizes.

        None where the axis that the operators tell has another size, or where several axes would do.
        """
        rank = len(shape)
        followed = self._follow(name, rank)
        if followed is not None:
            return followed if shape[followed] == neurons else None
        fits = [at for at in range(rank) if shape[at] == neurons]
        return fits[0] if len(fits) == 1 else None

    def _follow(self, name: str, rank: int) -> int | None:
        """Walks upstream; `places` maps axes of the tensor reached to axes of the tensor asked about."""
        places = {at: at for at in range(rank)}
        reshaped = False
        for _ in range(60):
            node = self.producers.get(name)
            if node is None:
                return None
            if node.op_type in CHANNELS - ({"InstanceNormalization"} if reshaped else set()):
                return places.get(1) if not reshaped else 1 if rank > 2 else None
            if node.op_type in LAST:
                return places.get(rank - 1) if not reshaped else None
            if node.op_type in {"Flatten", "Squeeze", "Unsqueeze", "Gather", "Slice", "Concat", "Split"}:
                return None
            reshaped = reshaped or node.op_type == "Reshape"
            if node.op_type == "Transpose":
                order = next((list(each.ints) for each in node.attribute if each.name == "perm"), None)
                order = order or list(range(rank))[::-1]
                if reshaped or len(order) != rank:
                    return None
                places = {order[at]: places[at] for at in range(rank)}
            name = next((each for each in node.input if self._varies(each)), "")
        return None

    def _varies(self, name: str) -> bool:
        return (
            name in self.producers and name not in self.stored and self.producers[name].op_type != "Constant"
        )
