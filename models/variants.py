"""Make `models/variants/`: the same tiny models in every shape an ONNX file comes in.

    python models/variants.py

All files of a family hold the same weights, so the auditor must find the same sites and, up to
rounding, the same statistics in each of them: those of `<family>.golden.json`.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from recipes import rewrites, taps, tiny
from recipes.fused_bert import write_fused_bert
from recipes.golden import Tap, stored_tokens, write_golden
from recipes.onnx_files import TOKEN_AXES, Inputs, export_onnx, max_abs_difference, run
from recipes.text import ROOT

FOLDER = ROOT / "models" / "variants"
GRAPH_AXES = {"x": {0: "nodes"}, "adj": {0: "nodes", 1: "nodes"}, "logits": {0: "nodes"}}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        gpt2_files(Path(scratch))
        bert_files(Path(scratch))
        other_decoders()
        graph_files()
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"{size:,} bytes in all")


def gpt2_files(scratch: Path) -> None:
    """GPT-2: exporters, fusion, float16, int8, external data, cache, dropout left on."""
    model, inputs = tiny.gpt2(), tiny.token_inputs()
    plain = export("gpt2-ts17", model, inputs, exporter="torchscript", opset=17)
    export("gpt2-dynamo20", model, inputs, exporter="dynamo", opset=20)
    export("gpt2-ext/model", model, inputs, exporter="torchscript", opset=17, external_data=True)
    rewrite("gpt2-fused", model, inputs, lambda target: rewrites.fuse(
        plain, target, "gpt2", tiny.HEADS, tiny.WIDTH))  # fmt: skip
    rewrite("gpt2-fp16", model, inputs, lambda target: rewrites.halve(plain, target))
    rewrite("gpt2-int8", model, inputs, lambda target: rewrites.quantise_weights(plain, target))
    with_past()
    left_in_training()
    functions = {"mlp_pre": "gelu_tanh", "mlp_post": "gelu_tanh"}
    golden("gpt2", model, taps.gpt2_taps(model), inputs, functions)


def with_past() -> None:
    """A decoder with `past_key_values.*` inputs and `present.*` outputs, all lengths dynamic."""
    model, inputs = tiny.gpt2(tiny.Gpt2WithPast), tiny.past_inputs(length=3)
    past = [name for name in inputs if name.startswith("past")]
    present = [name.replace("past_key_values", "present") for name in past]
    axes = {name: TOKEN_AXES for name in ("input_ids", "logits")}
    axes["attention_mask"] = {0: "batch", 1: "past_sequence + sequence"}
    axes |= {name: {0: "batch", 2: "past_sequence"} for name in past}
    axes |= {name: {0: "batch", 2: "past_sequence + sequence"} for name in present}
    path = export("gpt2-past", model, inputs, exporter="torchscript", opset=17,
                  outputs=("logits", *present), axes=axes)  # fmt: skip
    empty = max_abs_difference(model, tiny.past_inputs(length=0), path)
    print(f"{'':24} with an empty cache {empty:.1e}")


def left_in_training() -> None:
    """A common slip: exported without `model.eval()`, so dropout stays on and runs differ.

    ONNX Runtime's graph optimisation takes such a Dropout out; without it the outputs are random.
    """
    model, inputs = tiny.gpt2(dropout=0.1).train(), tiny.token_inputs()
    path = FOLDER / "gpt2-dropout.onnx"
    export_onnx(model, inputs, path, "dynamo", 20)
    tell("gpt2-dropout", model.eval(), inputs, path)
    random = run(path, inputs, optimise=False)[0] - run(path, inputs)[0]
    print(f"{'':24} off by {abs(random).max():.1e} without graph optimisation")


def bert_files(scratch: Path) -> None:
    """BERT: exporters, fusion, int8 with QuantizeLinear and DequantizeLinear."""
    model, inputs = tiny.bert(), tiny.token_inputs(token_types=True)
    feeds = {name: value.numpy() for name, value in inputs.items()}
    plain = export("bert-ts17", model, inputs, exporter="torchscript", opset=17)
    export("bert-dynamo20", model, inputs, exporter="dynamo", opset=20)
    rewrite("bert-fused", model, inputs, lambda target: rewrites.fuse(
        plain, target, "bert", tiny.HEADS, tiny.WIDTH))  # fmt: skip
    rewrite("bert-attention", model, inputs, lambda target: write_fused_bert(model, target))
    rewrite("bert-qdq", model, inputs, lambda target: rewrites.quantise_all(plain, target, feeds))
    golden("bert", model, taps.bert_taps(model), inputs, {"mlp_pre": "gelu", "mlp_post": "gelu"})


def other_decoders() -> None:
    """OPT (activations of rank 2) and LLaMA (a gated MLP)."""
    inputs = tiny.token_inputs()
    opt, llama = tiny.opt(), tiny.llama()
    export("opt-ts17", opt, inputs, exporter="torchscript", opset=17)
    golden("opt", opt, taps.opt_taps(opt), inputs, {"mlp_pre": "relu", "mlp_post": "relu"})
    export("llama-ts17", llama, inputs, exporter="torchscript", opset=17)
    golden("llama", llama, taps.llama_taps(llama), inputs, {"mlp_pre": "silu", "mlp_post": "silu"})


def graph_files() -> None:
    """A graph convolution with a dense adjacency matrix."""
    model, inputs = tiny.dense_gcn(), tiny.graph_inputs()
    export("gcn-dense-ts17", model, inputs, exporter="torchscript", opset=17, axes=GRAPH_AXES)
    export("gcn-dense-dynamo20", model, inputs, exporter="dynamo", opset=20, axes=GRAPH_AXES)
    golden(
        "gcn-dense", model, taps.gcn_taps(model), inputs, {"mlp_pre": "relu", "mlp_post": "relu"}
    )


def export(name: str, model: torch.nn.Module, inputs: Inputs, **options) -> Path:
    """Export to `<name>.onnx`, compare with PyTorch, and say so."""
    path = FOLDER / f"{name}.onnx"
    export_onnx(model, inputs, path, **options)
    tell(name, model, inputs, path)
    return path


def rewrite(
    name: str, model: torch.nn.Module, inputs: Inputs, write: Callable[[Path], None]
) -> None:
    """Let `write` make `<name>.onnx` from an exported file, compare with PyTorch, and say so."""
    path = FOLDER / f"{name}.onnx"
    write(path)
    tell(name, model, inputs, path)


def tell(name: str, model: torch.nn.Module, inputs: Inputs, path: Path) -> None:
    """One line: size, and how far the outputs are from PyTorch's."""
    difference = max_abs_difference(model, inputs, path)
    size = path.stat().st_size
    print(f"{name:24} {size:9,} bytes, max |onnxruntime - torch| = {difference:.1e}", flush=True)


def golden(
    name: str,
    model: torch.nn.Module,
    places: list[Tap],
    inputs: Inputs,
    functions: dict[str, str],
) -> None:
    """`<family>.golden.json`: what every file of the family should show."""
    stored = stored_tokens(inputs)
    write_golden(FOLDER / f"{name}.golden.json", model, places, inputs, functions, stored)


if __name__ == "__main__":
    main()
