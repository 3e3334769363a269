"""Exporters and converters by the name that ends a file's name."""

from collections.abc import Callable

from . import optimum, precision, torch_exporters
from .job import Job, Product

EXPORTERS: dict[str, Callable[[Job], list[Product]]] = {
    **torch_exporters.EXPORTERS,
    **optimum.EXPORTERS,
    **precision.EXPORTERS,
}
