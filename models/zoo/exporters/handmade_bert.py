"""BERT with the fused operators that ONNX Runtime's optimizer no longer finds in today's exports."""

import torch

from .graph_builder import MICROSOFT, GraphBuilder
from .job import Job, Product


def packed_attention(job: Job) -> list[Product]:
    """`Attention`: one packed weight [width, 3 width], a mask of key positions."""

    def attend(g: GraphBuilder, x: str, mask: str, name: str, own: torch.nn.Module) -> str:
        parts = (own.query, own.key, own.value)
        weight = g.weight(f"{name}.qkv_weight", torch.cat([part.weight.T for part in parts], 1))
        bias = g.weight(f"{name}.qkv_bias", torch.cat([part.bias for part in parts]))
        return g.node("Attention", x, weight, bias, mask, domain=MICROSOFT, num_heads=own.num_attention_heads)

    return write(job, attend)


def multi_head_attention(job: Job) -> list[Product]:
    """`MultiHeadAttention`: separate MatMuls, their biases inside the operator."""

    def attend(g: GraphBuilder, x: str, mask: str, name: str, own: torch.nn.Module) -> str:
        parts = {"query": own.query, "key": own.key, "value": own.value}
        q, k, v = (g.linear(x, f"{name}.{key}", part, bias=False) for key, part in parts.items())
        bias = g.weight(f"{name}.qkv_bias", torch.cat([part.bias for part in parts.values()]))
        return g.node("MultiHeadAttention", q, k, v, bias, mask, domain=MICROSOFT, num_heads=own.num_attention_heads)

    return write(job, attend)


def write(job: Job, attend) -> list[Product]:
    """EmbedLayerNormalization, blocks with SkipLayerNormalization and BiasGelu, the masked-language head."""
    model, g = job.model, GraphBuilder()
    mask = g.node("Cast", "attention_mask", to=6)
    ids, types = g.node("Cast", "input_ids", to=6), g.node("Cast", "token_type_ids", to=6)
    e = model.bert.embeddings
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    tables = [g.weight(f"bert.embeddings.{name}.weight", getattr(e, name).weight) for name in names]
    norm = [g.weight("embed.gamma", e.LayerNorm.weight), g.weight("embed.beta", e.LayerNorm.bias)]
    epsilon = e.LayerNorm.eps
    x, _ = g.node("EmbedLayerNormalization", ids, types, *tables, *norm, domain=MICROSOFT, outputs=2, epsilon=epsilon)
    for layer, block in enumerate(model.bert.encoder.layer):
        name = f"bert.encoder.layer.{layer}"
        context = attend(g, x, mask, f"{name}.attention.self", block.attention.self)
        x = projected(g, context, x, f"{name}.attention.output", block.attention.output)
        inner = g.linear(x, f"{name}.intermediate.dense", block.intermediate.dense, bias=False)
        bias = g.weight(f"{name}.intermediate.dense.bias", block.intermediate.dense.bias)
        x = projected(g, g.node("BiasGelu", inner, bias, domain=MICROSOFT), x, f"{name}.output", block.output)
    head = model.cls.predictions
    x = g.node("Gelu", g.linear(x, "cls.dense", head.transform.dense), domain=MICROSOFT)
    scale, shift = g.weight("cls.gamma", head.transform.LayerNorm.weight), g.weight("cls.beta", head.transform.LayerNorm.bias)
    x = g.node("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)
    logits = g.linear(x, "cls.decoder", head.decoder)
    g.save(job.path(), {name: ["batch", "sequence"] for name in job.inputs}, logits, 17)
    return [Product(job.path())]


def projected(g: GraphBuilder, x: str, skip: str, name: str, output: torch.nn.Module) -> str:
    """MatMul, whose bias SkipLayerNormalization adds together with the residual."""
    y = g.linear(x, f"{name}.dense", output.dense, bias=False)
    norm = output.LayerNorm
    gamma, beta = g.weight(f"{name}.gamma", norm.weight), g.weight(f"{name}.beta", norm.bias)
    bias = g.weight(f"{name}.dense.bias", output.dense.bias)
    return g.node("SkipLayerNormalization", y, skip, gamma, beta, bias, domain=MICROSOFT, epsilon=norm.eps)
