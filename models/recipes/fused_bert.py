"""The tiny BERT as ONNX Runtime's optimizer wrote it for years: EmbedLayerNormalization and Attention.

Today's exports no longer match those two fusions, but such files are all over the hub, so this
graph is put together by hand.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from transformers import BertForMaskedLM

from .onnx_files import save

MICROSOFT = "com.microsoft"
EPSILON = 1e-12


def write_fused_bert(model: BertForMaskedLM, target: Path) -> None:
    """The same function as `model`, from input_ids, attention_mask and token_type_ids to logits."""
    graph = GraphBuilder(model)
    graph.embeddings()
    for index in range(model.config.num_hidden_layers):
        graph.layer(index)
    graph.head()
    save(graph.finish(), target, check=False)


class GraphBuilder:
    """The nodes and initializers so far; `hidden` is the running `[batch, sequence, width]` value."""

    def __init__(self, model: BertForMaskedLM) -> None:
        self.parameters = {name: value.detach().numpy() for name, value in model.named_parameters()}
        self.heads = model.config.num_attention_heads
        self.vocabulary = model.config.vocab_size
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, np.ndarray] = {}
        self.hidden = ""

    def embeddings(self) -> None:
        """Three table look-ups, their sum and its normalisation; the mask becomes a count a row."""
        prefix = "bert.embeddings."
        names = [f"{prefix}{kind}_embeddings.weight" for kind in ("word", "position", "token_type")]
        tables = [self.keep(name) for name in names]
        scale, shift = self.norm(prefix + "LayerNorm")
        names = ("input_ids", "token_type_ids", "attention_mask")
        ids, types, mask = (self.cast(name) for name in names)
        inputs = [ids, types, *tables, scale, shift, mask]
        outputs = ["embeddings", "mask_index"]
        self.add("EmbedLayerNormalization", inputs, outputs, epsilon=EPSILON)
        self.hidden = "embeddings"

    def layer(self, index: int) -> None:
        """Attention and MLP; the biases after `MatMul` are inside the node that follows."""
        prefix = f"bert.encoder.layer.{index}."
        parts = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self.parameters[f"{part}.weight"].T for part in parts], 1)
        bias = np.concatenate([self.parameters[f"{part}.bias"] for part in parts])
        inputs = [
            self.hidden,
            self.keep(f"Attention_{index}_qkv_weight", weight),
            self.keep(f"Attention_{index}_qkv_bias", bias),
            "mask_index",
        ]
        attention = self.add("Attention", inputs, [f"Attention_{index}"], num_heads=self.heads)
        self.skip(prefix + "attention.output", attention)
        dense = prefix + "intermediate.dense"
        up = self.matmul(dense, self.hidden)
        gelu = self.add("BiasGelu", [up, self.keep(dense + ".bias")], [f"BiasGelu_{index}"])
        self.skip(prefix + "output", gelu)

    def skip(self, prefix: str, value: str) -> None:
        """hidden = LayerNorm(hidden + value W + b)."""
        projected = self.matmul(prefix + ".dense", value)
        norm = self.norm(prefix + ".LayerNorm")
        inputs = [projected, self.hidden, *norm, self.keep(prefix + ".dense.bias")]
        output = f"{prefix}.SkipLayerNormalization"
        self.hidden = self.add("SkipLayerNormalization", inputs, [output], epsilon=EPSILON)

    def head(self) -> None:
        """The masked-word head."""
        dense = "cls.predictions.transform.dense"
        up = self.matmul(dense, self.hidden)
        gelu = self.add("BiasGelu", [up, self.keep(dense + ".bias")], ["head_gelu"])
        norm = [gelu, *self.norm("cls.predictions.transform.LayerNorm")]
        normed = self.add("LayerNormalization", norm, ["head_norm"], domain="", epsilon=EPSILON)
        table = self.parameters["bert.embeddings.word_embeddings.weight"]
        decoder = self.keep("decoder_weight", np.ascontiguousarray(table.T))
        scores = self.add("MatMul", [normed, decoder], ["scores"], domain="")
        self.add("Add", [scores, self.keep("cls.predictions.bias")], ["logits"], domain="")

    def matmul(self, name: str, value: str) -> str:
        """value W, the weight of an `nn.Linear` transposed to `[in, out]`."""
        weight = self.keep(f"{name}.weight_transposed", self.parameters[f"{name}.weight"].T)
        return self.add("MatMul", [value, weight], [f"{name}.MatMul"], domain="")

    def norm(self, name: str) -> tuple[str, str]:
        return self.keep(f"{name}.weight"), self.keep(f"{name}.bias")

    def cast(self, name: str) -> str:
        return self.add("Cast", [name], [f"{name}_int32"], domain="", to=TensorProto.INT32)

    def keep(self, name: str, values: np.ndarray | None = None) -> str:
        """Name of the initializer; without `values` it is the parameter of that name."""
        self.initializers[name] = self.parameters[name] if values is None else values
        return name

    def add(
        self,
        kind: str,
        inputs: list[str],
        outputs: list[str],
        domain: str = MICROSOFT,
        **attributes,
    ) -> str:
        """Append a node; its first output."""
        name = f"{kind}_{len(self.nodes)}"
        node = helper.make_node(kind, inputs, outputs, name=name, domain=domain, **attributes)
        self.nodes.append(node)
        return outputs[0]

    def finish(self) -> onnx.ModelProto:
        """The model, opset 17."""
        shape = ["batch", "sequence"]
        names = ("input_ids", "attention_mask", "token_type_ids")
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in names]
        logits = helper.make_tensor_value_info(
            "logits", TensorProto.FLOAT, [*shape, self.vocabulary]
        )
        tensors = [
            numpy_helper.from_array(np.ascontiguousarray(values), name)
            for name, values in self.initializers.items()
        ]
        graph = helper.make_graph(self.nodes, "fused_bert", inputs, [logits], tensors)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)
