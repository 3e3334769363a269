"""Llama as onnxruntime-genai writes it (GroupQueryAttention), and with the operators of ONNX 23 and 24."""

from functools import partial

import torch

from .graph_builder import MICROSOFT, GraphBuilder
from .job import Job, Product


def group_query(job: Job) -> list[Product]:
    """`GroupQueryAttention` with rotary positions inside, `SkipSimplifiedLayerNormalization`."""
    g = GraphBuilder()
    lengths = g.node("ReduceSum", "attention_mask", g.integers("axis", [1]), keepdims=0)
    seen = g.node("Cast", g.node("Sub", lengths, g.weight("one", torch.tensor(1))), to=6)
    total = g.node("Gather", g.node("Shape", "attention_mask"), "one", axis=0)
    total = g.node("Cast", total, to=6)
    cos, sin = rotary_tables(g, job.model)
    past = empty_past(g, job.model)

    def attend(x: str, name: str, own: torch.nn.Module) -> str:
        q, k, v = (g.linear(x, f"{name}.{part}_proj", getattr(own, f"{part}_proj")) for part in "qkv")
        heads, shared = own.config.num_attention_heads, own.config.num_key_value_heads
        inputs = (q, k, v, past, past, seen, total, cos, sin)
        return g.node("GroupQueryAttention", *inputs, domain=MICROSOFT, outputs=3,
                      num_heads=heads, kv_num_heads=shared, do_rotary=1)[0]  # fmt: skip

    def norm(x: str, name: str, module: torch.nn.Module, y: str | None = None) -> tuple[str, str]:
        weight = g.weight(f"{name}.weight", module.weight)
        if y is None:
            return g.node("SimplifiedLayerNormalization", x, weight, axis=-1, epsilon=module.variance_epsilon), x
        result = g.node("SkipSimplifiedLayerNormalization", x, y, weight, domain=MICROSOFT, outputs=4, epsilon=module.variance_epsilon)
        g.nodes[-1].output[1] = g.nodes[-1].output[2] = ""
        return result[0], result[3]

    return write(job, g, attend, norm, sigmoid_product, 17)


def standard(job: Job, opset: int) -> list[Product]:
    """`Attention`, `RMSNormalization` and `RotaryEmbedding` of opset 23; from 24 on also `Swish`."""
    g = GraphBuilder()
    cos, sin = rotary_tables(g, job.model)
    keep = causal_free_mask(g)
    length = g.node("Gather", g.node("Shape", "input_ids"), g.weight("one", torch.tensor(1)), axis=0)
    steps = g.node("Range", g.weight("zero", torch.tensor(0)), length, "one")
    positions = g.node("Expand", g.node("Unsqueeze", steps, g.integers("first", [0])), g.node("Shape", "input_ids"))

    def attend(x: str, name: str, own: torch.nn.Module) -> str:
        heads, shared = own.config.num_attention_heads, own.config.num_key_value_heads
        q, k, v = (g.linear(x, f"{name}.{part}_proj", getattr(own, f"{part}_proj")) for part in "qkv")
        q = g.node("RotaryEmbedding", q, cos, sin, positions, num_heads=heads)
        k = g.node("RotaryEmbedding", k, cos, sin, positions, num_heads=shared)
        return g.node("Attention", q, k, v, keep, is_causal=1, q_num_heads=heads, kv_num_heads=shared)

    def norm(x: str, name: str, module: torch.nn.Module, y: str | None = None) -> tuple[str, str]:
        stream = x if y is None else g.node("Add", x, y)
        weight = g.weight(f"{name}.weight", module.weight)
        return g.node("RMSNormalization", stream, weight, axis=-1, epsilon=module.variance_epsilon), stream

    silu = sigmoid_product if opset < 24 else lambda g, x: g.node("Swish", x, alpha=1.0)
    return write(job, g, attend, norm, silu, opset)


def sigmoid_product(g: GraphBuilder, x: str) -> str:
    return g.node("Mul", x, g.node("Sigmoid", x))


def write(job: Job, g: GraphBuilder, attend, norm, silu, opset: int) -> list[Product]:
    """Embedding, blocks, norm, logits."""
    model = job.model.model
    x = g.node("Gather", g.weight("model.embed_tokens.weight", model.embed_tokens.weight), "input_ids")
    y = None
    for layer, block in enumerate(model.layers):
        name = f"model.layers.{layer}"
        normed, x = norm(x, f"{name}.input_layernorm", block.input_layernorm, y)
        y = g.linear(attend(normed, f"{name}.attn", block.self_attn), f"{name}.attn.o_proj", block.self_attn.o_proj)
        normed, x = norm(x, f"{name}.post_attention_layernorm", block.post_attention_layernorm, y)
        gate = silu(g, g.linear(normed, f"{name}.mlp.gate_proj", block.mlp.gate_proj))
        up = g.linear(normed, f"{name}.mlp.up_proj", block.mlp.up_proj)
        y = g.linear(g.node("Mul", gate, up), f"{name}.mlp.down_proj", block.mlp.down_proj)
    normed, _ = norm(x, "model.norm", model.norm, y)
    logits = g.linear(normed, "lm_head", job.model.lm_head)
    g.save(job.path(), {name: ["batch", "sequence"] for name in job.inputs}, logits, opset)
    return [Product(job.path())]


def rotary_tables(g: GraphBuilder, model: torch.nn.Module) -> tuple[str, str]:
    """cos and sin `[positions, head size / 2]`."""
    angles = torch.outer(torch.arange(model.config.max_position_embeddings).float(), model.model.rotary_emb.inv_freq)
    return g.weight("cos_cache", angles.cos()), g.weight("sin_cache", angles.sin())


def causal_free_mask(g: GraphBuilder) -> str:
    """True where a key is no padding `[batch, 1, query, key]`."""
    keys = g.node("Cast", g.node("Unsqueeze", "attention_mask", g.integers("axes", [1, 2])), to=9)
    batch, length = (g.node("Shape", "input_ids", start=axis, end=axis + 1) for axis in (0, 1))
    shape = g.node("Concat", batch, g.integers("heads", [1]), length, length, axis=0)
    return g.node("Expand", keys, shape)


def empty_past(g: GraphBuilder, model: torch.nn.Module) -> str:
    """A cache of no positions `[batch, key-value heads, 0, head size]`."""
    config = model.config
    batch = g.node("Shape", "input_ids", start=0, end=1)
    size = config.head_dim
    shape = g.node("Concat", batch, g.integers("cache_shape", [config.num_key_value_heads, 0, size]), axis=0)
    return g.node("Expand", g.weight("nothing", torch.zeros(1, 1, 1, 1)[:, :, :0]), shape)


EXPORTERS = {
    "handmade-gqa": group_query,
    "handmade-opset23": partial(standard, opset=23),
    "handmade-opset24": partial(standard, opset=24),
}
