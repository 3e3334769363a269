"""`<file>.sites.json`: what an auditor should find in a file."""

from pathlib import Path

import onnx

from .check import Feeds, tensors_equal_to
from .exporters.job import Product
from .family import Family
from .locate import Stored, locate, stored_tensors
from .sites import Site


def sites_json(
    family: Family, product: Product, sites: list[Site], seen: Feeds, tensors: Feeds | None
) -> dict[str, object]:
    """The sites of one file; `tensors` are all tensors in it by value, where they could be had."""
    stored = stored_tensors(product.path)
    plain = stored_tensors(product.renamed.plain) if product.renamed else []
    entries = []
    for site in sites_of(product, sites):
        activation = seen[site[1].id]
        entry: dict[str, object] = {
            "id": site[0],
            "neurons": activation.shape[-1],
            "activation": site[1].activation,
        }
        if tensors is not None:
            entry["tensors"] = tensors_equal_to(activation, tensors, product.tolerance)
        if site[1].reason:
            entry["noWeightsReason"] = site[1].reason
        else:
            weights = located(site[1], stored, plain, product)
            if weights is not None:
                entry["weights"] = weights
        entries.append(entry)
    return {
        "family": family.name,
        "architecture": family.architecture,
        "kind": family.kind,
        "sites": entries,
    }


def sites_of(product: Product, sites: list[Site]) -> list[tuple[str, Site]]:
    """Ids as they are in this file: without a stack where it holds only one."""
    if product.stack is None:
        return [(site.id, site) for site in sites]
    prefix = f"{product.stack}."
    return [(site.id.removeprefix(prefix), site) for site in sites if site.id.startswith(prefix)]


def located(
    site: Site, stored: list[Stored], plain: list[Stored], product: Product
) -> list[dict[str, object]] | None:
    """The weights' initializers, or `None` where one can't be established."""
    renamed = product.renamed
    if renamed is None:
        entries = [locate(weight, stored) for weight in site.weights]
        return None if None in entries else entries
    shapes = shapes_of(product.path)
    entries = []
    for weight in site.weights:
        entry = locate(weight, plain)
        if entry is None or weight.role not in renamed.roles:
            return None
        entry["bias"] = renamed_bias(entry["bias"], shapes)
        name = entry["initializer"] + renamed.suffix
        if name in shapes:
            entry |= {"initializer": name, "axis": renamed.axes.get(weight.role, entry["axis"])}
        count = weight.tensor.shape[weight.axis]
        if shapes.get(entry["initializer"], ())[entry["axis"] :][:1] != (count,):
            return None
        entries.append(entry)
    return entries


def renamed_bias(name: str | None, shapes: dict[str, tuple[int, ...]]) -> str | None:
    """A bias under its name in the quantized file."""
    return f"{name}_quantized" if name and f"{name}_quantized" in shapes else name


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Initializer name to shape, whatever the type."""
    return {tensor.name: tuple(tensor.dims) for tensor in onnx.load(path).graph.initializer}
