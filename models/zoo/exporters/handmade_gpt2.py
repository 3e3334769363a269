"""GPT-2 as ONNX Runtime's optimizer wrote it in its day: causal `Attention`, `FastGelu` with the bias inside."""

import torch

from .graph_builder import MICROSOFT, GraphBuilder
from .job import Job, Product


def fused(job: Job) -> list[Product]:
    """The residual stream is the fourth output of SkipLayerNormalization."""
    transformer, g = job.model.transformer, GraphBuilder()
    table = g.weight("transformer.wte.weight", transformer.wte.weight)
    tokens = g.node("Gather", table, "input_ids")
    length = g.node("Gather", g.node("Shape", "input_ids"), g.weight("one", torch.tensor(1)), axis=0)
    steps = g.node("Range", g.weight("zero", torch.tensor(0)), length, "one")
    positions = g.node("Gather", g.weight("transformer.wpe.weight", transformer.wpe.weight), steps)
    mask = g.node("Cast", "attention_mask", to=6)
    stream = g.node("Add", tokens, positions)
    first = transformer.h[0].ln_1
    x = g.node("LayerNormalization", stream, *norm(g, "h.0.ln_1", first), axis=-1, epsilon=first.eps)
    for layer, block in enumerate(transformer.h):
        name = f"transformer.h.{layer}"
        qkv = [conv(g, f"{name}.attn.c_attn", block.attn.c_attn), vector(g, f"{name}.attn.c_attn.bias", block.attn.c_attn.bias)]
        context = g.node("Attention", x, *qkv, mask, domain=MICROSOFT, num_heads=block.attn.num_heads, unidirectional=1)
        y = g.node("MatMul", context, conv(g, f"{name}.attn.c_proj", block.attn.c_proj))
        x, stream = skip(g, y, stream, f"{name}.ln_2", block.ln_2, f"{name}.attn.c_proj.bias", block.attn.c_proj.bias)
        inner = g.node("MatMul", x, conv(g, f"{name}.mlp.c_fc", block.mlp.c_fc))
        bias = vector(g, f"{name}.mlp.c_fc.bias", block.mlp.c_fc.bias)
        inner = g.node("FastGelu", inner, bias, domain=MICROSOFT)
        y = g.node("MatMul", inner, conv(g, f"{name}.mlp.c_proj", block.mlp.c_proj))
        last = layer + 1 == len(transformer.h)
        after = transformer.ln_f if last else transformer.h[layer + 1].ln_1
        x, stream = skip(g, y, stream, f"{name}.after", after, f"{name}.mlp.c_proj.bias", block.mlp.c_proj.bias)
    logits = g.node("MatMul", x, g.node("Transpose", table, perm=[1, 0]))
    g.save(job.path(), {name: ["batch", "sequence"] for name in job.inputs}, logits, 17)
    return [Product(job.path())]


def vector(g: GraphBuilder, name: str, values: torch.Tensor) -> str:
    return g.weight(name, values)


def conv(g: GraphBuilder, name: str, module: torch.nn.Module) -> str:
    """Conv1D keeps [in, out] already."""
    return g.weight(f"{name}.weight", module.weight)


def norm(g: GraphBuilder, name: str, module: torch.nn.Module) -> tuple[str, str]:
    return g.weight(f"{name}.weight", module.weight), g.weight(f"{name}.bias", module.bias)


def skip(g: GraphBuilder, y: str, stream: str, name: str, module: torch.nn.Module, bias_name: str, bias: torch.Tensor):
    """Residual add, bias and norm in one; returns the normed value and the new residual stream."""
    inputs = (stream, y, *norm(g, name, module), g.weight(bias_name, bias))
    result = f"SkipLayerNormalization_{len(g.nodes)}"
    outputs = g.node("SkipLayerNormalization", *inputs, domain=MICROSOFT, outputs=4, name=result, epsilon=module.eps)
    g.nodes[-1].output[1] = g.nodes[-1].output[2] = ""
    return outputs[0], outputs[3]
