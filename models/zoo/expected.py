"""`<file>.sites.json`: what an auditor should find in a file."""

from .check import Feeds, tensors_equal_to
from .exporters.job import Product
from .family import Family
from .locate import locate, stored_tensors
from .sites import Site


def sites_json(
    family: Family, product: Product, sites: list[Site], seen: Feeds, tensors: Feeds | None
) -> dict[str, object]:
    """The sites of one file; `tensors` are all tensors in it by value, where they could be had."""
    stored = stored_tensors(product.path)
    entries = []
    for name, site in sites_of(product, sites):
        activation = seen[site.id]
        entry: dict[str, object] = {"id": name, "neurons": activation.shape[-1], "activation": site.activation}
        if tensors is not None:
            entry["tensors"] = tensors_equal_to(activation, tensors, product.tolerance)
        if site.reason:
            entry["noWeightsReason"] = site.reason
        else:
            weights = [(weight.role, locate(weight, stored)) for weight in site.weights]
            # An outgoing weight may have no axis of its own (4-bit blocks); without an incoming one nothing is said.
            if all(found or role == "out" for role, found in weights):
                entry["weights"] = [found for _, found in weights if found]
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
