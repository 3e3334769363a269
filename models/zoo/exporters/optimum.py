"""Hugging Face optimum: the layouts its users have on disk. Needs requirements-optimum.txt."""

from collections.abc import Callable

from .job import Job, Product, Unavailable

EXPORTERS: dict[str, Callable[[Job], list[Product]]] = {}
