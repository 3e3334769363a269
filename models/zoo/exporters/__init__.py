"""Exporters and converters by the name that ends a file's name."""

from collections.abc import Callable

from . import handmade_bert, handmade_gpt2, handmade_llama, optimum, precision, torch_exporters
from .job import Job, Product

EXPORTERS: dict[str, Callable[[Job], list[Product]]] = {
    **torch_exporters.EXPORTERS,
    **optimum.EXPORTERS,
    **precision.EXPORTERS,
    **handmade_llama.EXPORTERS,
    "handmade-attention": handmade_bert.packed_attention,
    "handmade-mha": handmade_bert.multi_head_attention,
    "handmade-fastgelu": handmade_gpt2.fused,
}
